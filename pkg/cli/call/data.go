package call

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// Formats of messages.
const (
	messagesJSON = "json"
	messagesText = "text"
)

// dataOptions are the request's message and the format of messages, with the flags that grpcurl has.
type dataOptions struct {
	data         string
	format       string
	allowUnknown bool
	formatError  bool
}

// add adds the flags.
func (o *dataOptions) add(cmd *cobra.Command, complete cobra.CompletionFunc) {
	cmd.Flags().StringVarP(&o.data, "data", "d", "", "the `MESSAGE`, in place of the argument; @ reads it from standard input")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("data", complete))
	o.format = messagesJSON
	cmd.Flags().Var(&cmdutil.EnumFlag{Value: &o.format, Allowed: []string{messagesJSON, messagesText}}, "format", "format of messages: json, or protobuf's text")
	cmd.Flags().BoolVar(&o.allowUnknown, "allow-unknown-fields", false, "ignore fields of the JSON message that its type does not have")
	cmd.Flags().BoolVar(&o.formatError, "format-error", false, "print the status of a call that failed to standard error as JSON, with its details")
	cmdutil.CompleteWords(cmd, "format", messagesJSON, messagesText)
}

// check refuses what cannot be combined, and returns the arguments with the message among them.
func (o *dataOptions) check(cmd *cobra.Command, c *callOptions, args []string) ([]string, error) {
	usage := func(text string) error {
		return cmdutil.UsageErr(c.f.IO.Command(`call catalog GetProduct -d '{"id": "OLJCESPC7Z"}'`), "%s", text)
	}
	if o.format == messagesText && c.format != iostreams.FormatTable {
		return nil, usage("--format text and -o cannot be combined: -o wants JSON in it")
	}
	if o.formatError && (o.format == messagesText || c.format != iostreams.FormatTable || c.repeat > 0) {
		return nil, usage("--format-error cannot be combined with --format text, -o or --repeat: it prints the status of one call as JSON")
	}
	if !cmd.Flags().Changed("data") {
		return args, nil
	}
	switch {
	case len(args) < 2:
		return nil, usage("--data needs a method")
	case len(args) > 2:
		return nil, usage("the message is there twice: as an argument and as --data")
	}
	return append(args, o.data), nil
}

// deadlineValue is a duration; a number alone is in seconds, as grpcurl's -max-time.
type deadlineValue struct{ *time.Duration }

// Set reads the value.
func (v deadlineValue) Set(text string) error {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(seconds, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	*v.Duration = d
	return nil
}

// Type names the kind of value.
func (deadlineValue) Type() string { return "duration" }

// LongFlags gives the long flags of call a second dash where they have one, as grpcurl's own do: -plaintext is --plaintext.
func LongFlags(cmd *cobra.Command, args []string) []string {
	fixed := slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && name[0] != '-' && arg[0] == '-' && cmd.Flags().Lookup(name) != nil {
			fixed[i] = "-" + arg
		}
	}
	return fixed
}
