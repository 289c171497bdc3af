package change

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// NewRolloutCmd returns the command rollout. restart is the command that restarts services.
func NewRolloutCmd(f *cmdutil.Factory, restart *cobra.Command) *cobra.Command {
	restart.Use, restart.Example = "restart deployment/NAME...", "shopctl rollout restart deployment/paymentservice"
	args := restart.RunE
	restart.RunE = func(cmd *cobra.Command, words []string) error { return args(cmd, deployments(words)) }
	all := []*cobra.Command{newStatusCmd(f), newHistoryCmd(f), newUndoCmd(f), newPauseCmd(f, true), newPauseCmd(f, false), restart}
	for _, cmd := range all {
		cmd.ValidArgsFunction = cmdutil.CompleteServices(f)
	}
	return cmdutil.Group(&cobra.Command{Use: "rollout", Short: "Follow, undo, pause and restart rollouts of Deployments"}, all...)
}

// deployments are names of Deployments as services are named: "deployment web" is "deployment/web".
func deployments(words []string) []string {
	if k, err := find.Lookup(words[0]); err == nil && k.Name == resource.KindDeployment && len(words) > 1 {
		words = slices.Clone(words[1:])
		for i := range words {
			words[i] = "deployment/" + words[i]
		}
	}
	return words
}

// found are the Deployments that words mean.
func (e *editor) found(ctx context.Context, words []string) (*selection, []*controlpb.Service, error) {
	shop, err := e.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer shop.Close()
	services, err := cmdutil.WorkloadsOf(ctx, shop, e.namespace(), deployments(words))
	if err != nil {
		return nil, nil, err
	}
	kind, err := find.Lookup(resource.KindDeployment)
	if err != nil {
		return nil, nil, err
	}
	ref := find.Ref{Kind: kind}
	for _, s := range services {
		ref.Names = append(ref.Names, s.GetWorkload())
	}
	return &selection{refs: []find.Ref{ref}}, services, nil
}

func newStatusCmd(f *cmdutil.Factory) *cobra.Command {
	e := newEditor(f)
	var wait edit.WaitFlags
	cmd := &cobra.Command{
		Use:     "status deployment/NAME...",
		Short:   "Wait until Deployments have rolled out",
		Example: "shopctl rollout status deployment/frontend --timeout 30s",
		Args:    cmdutil.AtLeast(1, "deployment/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, services, err := e.found(cmd.Context(), args)
			if err != nil {
				return err
			}
			shop, err := e.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer shop.Close()
			for _, s := range services {
				one := &controlpb.Object{ApiVersion: "apps/v1", Kind: resource.KindDeployment, Namespace: s.GetNamespace(), Name: s.GetWorkload()}
				if err := wait.Rollout(cmd.Context(), e.ios, shop, []*controlpb.AppliedObject{{Object: one}}); err != nil {
					return err
				}
				if _, err := fmt.Fprintf(e.ios.Out, "deployment %q successfully rolled out\n", s.GetWorkload()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	wait.Always(cmd, "maximum time to wait")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

// revisions are the kept revisions of the one Deployment that args name.
func (e *editor) revisions(ctx context.Context, args []string) (*selection, *controlpb.Service, []*controlpb.Revision, error) {
	s, services, err := e.found(ctx, args)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(services) != 1 {
		return nil, nil, nil, cmdutil.UsageErr("shopctl rollout history deployment/"+services[0].GetWorkload(), "read %q: one Deployment at a time", strings.Join(args, " "))
	}
	shop, err := e.connect(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	defer shop.Close()
	resp, err := shop.Revisions(ctx, &controlpb.RevisionsRequest{Service: services[0].GetNamespace() + "/deployment/" + services[0].GetWorkload()})
	return s, services[0], resp.GetRevisions(), err
}

// pick finds a revision by its number.
func pick(name string, all []*controlpb.Revision, number int64) (*controlpb.Revision, error) {
	for _, r := range all {
		if r.GetNumber() == number {
			return r, nil
		}
	}
	return nil, cmdutil.HintErr(cmdutil.ExitFailed, "shopctl rollout history deployment/"+name, fmt.Errorf("unable to find revision %d of deployment %q", number, name))
}

func newHistoryCmd(f *cmdutil.Factory) *cobra.Command {
	e := newEditor(f)
	var number int64
	cmd := &cobra.Command{
		Use:   "history deployment/NAME",
		Short: "List the kept revisions of a Deployment",
		Long: `List the revisions of a Deployment's pod template that are kept: the present one, and as many old ones as
revisionHistoryLimit says. CHANGE-CAUSE is the annotation kubernetes.io/change-cause.`,
		Example: "shopctl rollout history deployment/frontend\nshopctl rollout history deployment/frontend --revision 1",
		Args:    cmdutil.AtLeast(1, "deployment/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, s, all, err := e.revisions(cmd.Context(), args)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("revision") {
				r, err := pick(s.GetWorkload(), all, number)
				if err != nil {
					return err
				}
				text, err := yaml.JSONToYAML(r.GetTemplateJson())
				if err != nil {
					return fmt.Errorf("read revision %d of %s: %w", number, s.GetWorkload(), err)
				}
				return e.ios.Out.WriteDocument(text)
			}
			t := iostreams.NewTable("REVISION", "AGE", "IMAGES", "CHANGE-CAUSE")
			for _, r := range all {
				age := "<unknown>"
				if r.GetCreated() != nil {
					age = cmdutil.Age(e.now(), r.GetCreated().AsTime())
				}
				t.Row(fmt.Sprint(r.GetNumber()), age, images(r), cmp.Or(r.GetChangeCause(), "<none>"))
			}
			return t.Flush(e.ios.Out)
		},
	}
	cmd.Flags().Int64Var(&number, "revision", 0, "print the pod template of this `NUMBER`")
	cmdutil.LimitNumber(cmd, "revision", 1, 1<<53, "1")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

// images are those of a revision's containers.
func images(r *controlpb.Revision) string {
	var template corev1.PodTemplateSpec
	if err := json.Unmarshal(r.GetTemplateJson(), &template); err != nil {
		return "<unknown>"
	}
	var words []string
	for _, c := range template.Spec.Containers {
		words = append(words, c.Image)
	}
	return strings.Join(words, ",")
}

func newUndoCmd(f *cmdutil.Factory) *cobra.Command {
	e := newEditor(f)
	var number int64
	cmd := &cobra.Command{
		Use:     "undo deployment/NAME",
		Short:   "Go back to an earlier revision of a Deployment",
		Long:    "Give a Deployment the pod template of an earlier revision: the one before the present one, or that of --to-revision.",
		Example: "shopctl rollout undo deployment/productcatalogservice --wait\nshopctl rollout undo deployment/productcatalogservice --to-revision 1",
		Args:    cmdutil.AtLeast(1, "deployment/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, service, all, err := e.revisions(cmd.Context(), args)
			if err != nil {
				return err
			}
			name := service.GetWorkload()
			if !cmd.Flags().Changed("to-revision") {
				if len(all) < 2 {
					return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl rollout history deployment/"+name, fmt.Errorf("no rollout history found for deployment %q: it had no other pod template", name))
				}
				number = all[len(all)-2].GetNumber()
			}
			r, err := pick(name, all, number)
			if err != nil {
				return err
			}
			var template map[string]any
			if err := json.Unmarshal(r.GetTemplateJson(), &template); err != nil {
				return fmt.Errorf("read revision %d of %s: %w", number, name, err)
			}
			return e.run(cmd.Context(), s, "rolled back", func(_ string, tree map[string]any) error {
				spec := object(tree, "spec")
				if spec["paused"] == true {
					return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl rollout resume deployment/"+name, fmt.Errorf("you cannot roll back a paused deployment; resume it first"))
				}
				spec["template"] = template
				return nil
			})
		},
	}
	cmd.Flags().Int64Var(&number, "to-revision", 0, "the `NUMBER` of the revision (default the one before the present one)")
	cmdutil.LimitNumber(cmd, "to-revision", 1, 1<<53, "1")
	e.add(cmd)
	return cmd
}

func newPauseCmd(f *cmdutil.Factory, pause bool) *cobra.Command {
	e := newEditor(f)
	verb, done, short := "pause", "paused", "Hold back rollouts of a Deployment until it is resumed"
	if !pause {
		verb, done, short = "resume", "resumed", "Roll out what was changed while a Deployment was paused"
	}
	cmd := &cobra.Command{
		Use:     verb + " deployment/NAME...",
		Short:   short,
		Example: "shopctl rollout " + verb + " deployment/frontend",
		Args:    cmdutil.AtLeast(1, "deployment/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := e.found(cmd.Context(), args)
			if err != nil {
				return err
			}
			return e.run(cmd.Context(), s, done, func(_ string, tree map[string]any) error {
				spec := object(tree, "spec")
				if (spec["paused"] == true) == pause {
					return fmt.Errorf("it is already %s", map[bool]string{true: "paused", false: "resumed"}[pause])
				}
				if spec["paused"] = pause; !pause {
					delete(spec, "paused")
				}
				return nil
			})
		},
	}
	e.add(cmd)
	return cmd
}
