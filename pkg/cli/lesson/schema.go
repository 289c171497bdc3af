package lesson

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson/format"
)

func newLessonSchemaCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Exits(&cobra.Command{
		Use:   "schema [ROLE]",
		Short: "Print the JSON Schema of the lesson format, for editors",
		Long: `Print the JSON Schema of the lesson format, for editors: of the front matter or of one kind of block. Without an
argument, print one schema with all of them as definitions.`,
		Example: `shopctl lesson schema check > check.schema.json
shopctl lesson schema front`,
		Args:      cmdutil.AtMost(1, ""),
		ValidArgs: format.SchemaRoles(),
		RunE: func(_ *cobra.Command, args []string) error {
			role := ""
			if len(args) == 1 {
				role = args[0]
			}
			return lessonSchema(f.IO, role)
		},
	}, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func lessonSchema(ios *iostreams.IO, role string) error {
	schema, err := format.Schema(role)
	if err != nil {
		return cmdutil.UsageErr(ios.Command("lesson schema check"), "lesson schema: %w", err)
	}
	raw, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return fmt.Errorf("lesson schema: %w", err)
	}
	_, err = fmt.Fprintf(ios.Out, "%s\n", raw)
	return err
}
