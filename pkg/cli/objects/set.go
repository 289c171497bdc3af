package objects

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/objects/change"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func NewSetCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:   "set",
		Short: "Set environment variables and images of a service",
	}, newSetEnvCmd(f), change.NewSetImageCmd(f))
}

func newSetEnvCmd(f *cmdutil.Factory) *cobra.Command {
	o := edit.New(f)
	cmd := &cobra.Command{
		Use:   "env SERVICE KEY=VALUE... KEY-...",
		Short: "Set or remove environment variables of a service",
		Long: `Set environment variables of a service's containers; NAME- removes one. The Deployment rolls out: new instances are
ready before old ones stop, so that no request is lost.`,
		Example: `shopctl set env catalog EXTRA_LATENCY=500ms --wait
shopctl set env catalog EXTRA_LATENCY-`,
		Args:              cmdutil.AtLeast(2, "a service and KEY=VALUE"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			env, err := parseEnv(args[1:])
			if err != nil {
				return err
			}
			return o.Run(cmd.Context(), args[:1], "env updated", &controlpb.EditRequest{
				Operation: &controlpb.EditRequest_SetEnv{SetEnv: env},
			})
		},
	}
	o.Add(cmd)
	return cmd
}

func parseEnv(words []string) (*controlpb.SetEnv, error) {
	env := &controlpb.SetEnv{Set: map[string]string{}}
	for _, word := range words {
		key, value, isSet := strings.Cut(word, "=")
		gone, isUnset := strings.CutSuffix(word, "-")
		switch {
		case isSet && validEnvName(key):
			env.Set[key] = value
		case !isSet && isUnset && validEnvName(gone):
			env.Unset = append(env.Unset, gone)
		default:
			return nil, cmdutil.UsageErr("KEY=VALUE sets a variable, KEY- removes it", "read %q: not a variable", word)
		}
	}
	return env, nil
}

// validEnvName follows POSIX: letters, digits and underscores, no digit first.
func validEnvName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
