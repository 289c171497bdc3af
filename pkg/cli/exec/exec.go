// Package exec implements "shopctl exec": a command in a container of an instance.
package exec

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

type options struct {
	ios        *iostreams.IO
	connect    cmdutil.Connect
	namespace  func() string
	container  string
	stdin, tty bool
}

// NewCmd returns the command.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	o := &options{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "exec POD|SERVICE [-c CONTAINER] [-i] [-t] -- COMMAND [ARGS...]",
		Short: "Run a command in a container of an instance",
		Long: `Run a command in a container of an instance: a pod, or one of the ready instances of a service. The command has the
container's environment, its directory and its mounted files. It exits with the command's own exit code.

The command ends with shopctl exec, and what it has started is killed then.`,
		Example: `shopctl exec cart -- env
shopctl exec deployment/frontend -- sh -c 'echo $PORT'
shopctl exec -it cart -- sh`,
		Args:              o.checkArgs,
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0], args[1:])
		},
	}
	cmd.Flags().StringVarP(&o.container, "container", "c", "", "run it in this `CONTAINER`; default: the first one of the pod")
	cmd.Flags().BoolVarP(&o.stdin, "stdin", "i", false, "pass standard input to the command")
	cmd.Flags().BoolVarP(&o.tty, "tty", "t", false, "give the command a terminal")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("container", o.completeContainers))
	return cmdutil.Exits(cmd, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

// usage is a command line that can be pasted.
const usage = "shopctl exec cart -- env"

// checkArgs wants one name before "--" and a command after it.
func (o *options) checkArgs(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	switch {
	case len(args) == 0 || dash == 0:
		return cmdutil.UsageErr(usage, "exec: the pod or service is missing")
	case dash < 0 && len(args) > 1:
		return cmdutil.UsageErr(fmt.Sprintf("shopctl exec %s -- COMMAND", args[0]), "exec [POD] [COMMAND] is not supported: use exec [POD] -- [COMMAND]")
	case dash > 1:
		return cmdutil.UsageErr(usage, "exec: one pod or service can be named before --, not %d", dash)
	case len(args) < 2 || args[1] == "":
		return cmdutil.UsageErr(fmt.Sprintf("shopctl exec %s -- env", args[0]), "you must specify at least one command for the container")
	}
	return nil
}

func (o *options) run(ctx context.Context, name string, command []string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	instance, err := o.find(ctx, shop, name)
	if err != nil {
		return err
	}
	start := &controlpb.ExecStart{Instance: instance.GetName(), Command: command, Stdin: o.stdin, Tty: o.tty}
	if start.Container, err = o.choose(instance); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := shop.Exec(ctx)
	if err != nil {
		return err
	}
	s := &session{stream: stream, ios: o.ios, start: start}
	code, err := s.run()
	switch {
	case err != nil:
		return err
	case code != 0:
		return cmdutil.HintErr(code, "", fmt.Errorf("command terminated with exit code %d", code))
	}
	return nil
}

// find finds the pod of a name, or an instance of a service: a ready one if there is one.
func (o *options) find(ctx context.Context, shop controlpb.ShopClient, name string) (*controlpb.Instance, error) {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return nil, err
	}
	s, ref, err := cmdutil.FindRef(st, o.namespace(), name)
	if err != nil {
		return nil, err
	}
	var found *controlpb.Instance
	for _, in := range s.GetInstances() {
		switch {
		case ref.Kind == servicename.Pod && in.GetName() == ref.Name:
			return in, nil
		case ref.Kind != servicename.Pod && (found == nil || found.GetState() != "ready" && in.GetState() == "ready"):
			found = in
		}
	}
	if found == nil {
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, "shopctl ps "+s.GetName(), fmt.Errorf("exec: %s has no instances", s.GetName()))
	}
	return found, nil
}

// choose is the container to run the command in. Without -c, it says which one it is if there are several, as kubectl does.
func (o *options) choose(in *controlpb.Instance) (string, error) {
	first, names := cmdutil.ContainerNames(in)
	if o.container == "" {
		if len(names) > 1 {
			o.ios.Notef("Defaulted container %q out of: %s", first, strings.Join(names, ", "))
		}
		return first, nil
	}
	if !slices.ContainsFunc(names, func(n string) bool { return strings.Fields(n)[0] == o.container }) {
		return "", cmdutil.HintErr(cmdutil.ExitFailed, fmt.Sprintf("shopctl exec %s -c %s -- COMMAND", in.GetName(), first),
			fmt.Errorf("container %s not found in pod %s: it has %s", o.container, in.GetName(), strings.Join(names, ", ")))
	}
	return o.container, nil
}

// completeContainers completes -c by the containers of the named instance.
func (o *options) completeContainers(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	shop, err := o.connect(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer shop.Close()
	in, err := o.find(cmd.Context(), shop, args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, c := range in.GetContainers() {
		words = append(words, c.GetName())
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
