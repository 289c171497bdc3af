package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

func newLessonSchemaCmd(f *Factory) *cobra.Command {
	return exits(&cobra.Command{
		Use:   "schema [ROLE]",
		Short: "Print the JSON Schema of what a lesson is written in, for editors",
		Long: `Print the JSON Schema of what a lesson is written in, for editors: of its front matter or of the blocks with a role.
Without a role, all are definitions of one schema.`,
		Example: `shopctl lesson schema check > check.schema.json
shopctl lesson schema front`,
		Args:      atMost(1, ""),
		ValidArgs: format.SchemaRoles(),
		RunE: func(_ *cobra.Command, args []string) error {
			role := ""
			if len(args) == 1 {
				role = args[0]
			}
			return lessonSchema(f.IO, role)
		},
	}, exitOK, exitFailed, exitUsage)
}

func lessonSchema(ios *IO, role string) error {
	schema, err := format.Schema(role)
	if err != nil {
		return usageErr(ios.command("lesson schema check"), "lesson schema: %w", err)
	}
	raw, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return fmt.Errorf("lesson schema: %w", err)
	}
	_, err = fmt.Fprintf(ios.Out, "%s\n", raw)
	return err
}
