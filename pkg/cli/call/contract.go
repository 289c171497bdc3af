package call

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// addFiles adds the flags that describe a server in place of its own contract.
func addFiles(cmd *cobra.Command, files *call.Files) {
	flags := cmd.Flags()
	flags.StringArrayVar(&files.Protos, "proto", nil, "read the contract from this .proto `FILE` instead of from the service; can be repeated")
	flags.StringArrayVar(&files.ImportPaths, "import-path", nil, "look in this `DIR` for --proto and its imports (default: beside the file); can be repeated")
	flags.StringArrayVar(&files.Protosets, "protoset", nil, "read the contract from this `FILE` of protoc --descriptor_set_out; can be repeated")
	cmdutil.Must(cmd.MarkFlagFilename("proto", "proto"))
	cmdutil.Must(cmd.MarkFlagDirname("import-path"))
	cmdutil.Must(cmd.MarkFlagFilename("protoset"))
}

// checkFiles refuses import paths that nothing is looked for in.
func (o *callOptions) checkFiles(args []string) error {
	if len(o.files.ImportPaths) > 0 && len(o.files.Protos) == 0 {
		return cmdutil.UsageErr(o.f.IO.Command("call "+args[0]+" --import-path DIR --proto FILE"), "--import-path needs --proto")
	}
	return nil
}

// Verbs of grpcurl, which stand where a method does.
const (
	verbList     = "list"
	verbDescribe = "describe"
)

// verb is what to do with a target in place of calling it: list or describe; empty if args name a method. A method that is
// called like a verb goes before it.
func (o *callOptions) verb(ctx context.Context, caller *call.Caller, t *callTarget, args []string) string {
	if len(args) < 2 || args[1] != verbList && args[1] != verbDescribe {
		return ""
	}
	if m, err := caller.Resolve(ctx, t.Target, args[1]); err == nil && m.Name == args[1] {
		return ""
	}
	return args[1]
}

// servicesView is what "list" prints as JSON.
type servicesView struct {
	Service  string   `json:"service"`
	Services []string `json:"services"`
}

func (v servicesView) Names() []string { return v.Services }

// listNames prints the services of a target, or the methods of one of these, each on a line, as grpcurl list does.
func (o *callOptions) listNames(ctx context.Context, caller *call.Caller, t *callTarget, args []string) error {
	if len(args) > 0 {
		view, err := methodsOf(ctx, caller, t, args[0])
		if err != nil {
			return err
		}
		return o.f.IO.Print(o.format, view, func(w io.Writer) {
			for _, name := range slices.Sorted(slices.Values(view.Names())) {
				fmt.Fprintln(w, strings.ReplaceAll(name, "/", "."))
			}
		})
	}
	names, err := caller.Services(ctx, t.Target)
	if err != nil {
		return err
	}
	err = o.f.IO.Print(o.format, servicesView{Service: t.Name, Services: names}, func(w io.Writer) {
		for _, name := range names {
			fmt.Fprintln(w, name)
		}
	})
	o.warnUnreadable(ctx, caller, t)
	return err
}

// methodsOf are the methods of one service of a target.
func methodsOf(ctx context.Context, caller *call.Caller, t *callTarget, service string) (*methodsView, error) {
	methods, err := caller.MethodsOf(ctx, t.Target, service)
	if err != nil {
		return nil, err
	}
	return viewMethods(t, methods), nil
}
