package cmdutil

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// AddOutput gives cmd the flag -o with the formats that it knows, the first of them being the default.
func AddOutput(cmd *cobra.Command, format *string, formats ...string) {
	if len(formats) == 0 {
		formats = []string{iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML, iostreams.FormatName}
	}
	value := &EnumFlag{Value: format, Allowed: formats}
	*format = formats[0]
	cmd.Flags().VarP(value, "output", "o", "print as "+strings.Join(formats, ", "))
	CompleteWords(cmd, "output", formats...)
}

// EnumFlag is a flag that takes one of a few words.
type EnumFlag struct {
	Value   *string
	Allowed []string
	// kind stands for the value in the help; "FORMAT" if empty.
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
