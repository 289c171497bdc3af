package cmdutil

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// AddOutput adds the flag -o with these formats to cmd; the first is the default.
func AddOutput(cmd *cobra.Command, format *string, formats ...string) {
	if len(formats) == 0 {
		formats = []string{iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML, iostreams.FormatName}
	}
	value := &EnumFlag{Value: format, Allowed: formats}
	*format = formats[0]
	cmd.Flags().VarP(value, "output", "o", "output format: "+strings.Join(formats, ", "))
	CompleteWords(cmd, "output", formats...)
}

// EnumFlag is a flag with a fixed set of values.
type EnumFlag struct {
	Value   *string
	Allowed []string
	// Kind is the placeholder of the value in the help; "FORMAT" if empty.
	Kind string
}

func (o *EnumFlag) String() string {
	if o.Value == nil {
		return ""
	}
	return *o.Value
}

func (o *EnumFlag) Type() string {
	if o.Kind != "" {
		return o.Kind
	}
	return "FORMAT"
}

func (o *EnumFlag) Set(s string) error {
	if !slices.Contains(o.Allowed, s) {
		return fmt.Errorf("must be one of %s", strings.Join(o.Allowed, ", "))
	}
	*o.Value = s
	return nil
}

// RenameFlags keeps the old names of flags working without listing them: renamed maps old names to new ones. Call it
// after the flags are defined.
func RenameFlags(cmd *cobra.Command, renamed map[string]string) {
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if current, ok := renamed[name]; ok {
			name = current
		}
		return pflag.NormalizedName(name)
	})
}
