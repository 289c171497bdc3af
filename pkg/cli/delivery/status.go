package delivery

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/delivery"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/pkg/shellword"
)

type releaseView struct {
	Calls int64 `json:"calls"`
	// Calls that failed, or were slower than the criterion allows.
	Bad int64 `json:"bad"`
	// The measured quantile of a criterion on latency; 0 for others.
	QuantileMS float64 `json:"quantile_ms"`
}

type findingView struct {
	Criterion string      `json:"criterion"`
	Old       releaseView `json:"old"`
	New       releaseView `json:"new"`
	// fine, worse, or not known yet.
	Verdict string `json:"verdict"`
	Because string `json:"because"`
}

type stepView struct {
	Weight   int32         `json:"weight"`
	Seconds  float64       `json:"seconds"`
	Findings []findingView `json:"findings"`
}

type canaryView struct {
	Service string `json:"service"`
	// NAMESPACE/NAME.
	VirtualService string  `json:"virtual_service"`
	From           string  `json:"from"`
	To             string  `json:"to"`
	Steps          []int32 `json:"steps"`
	Check          string  `json:"check"`
	// starting, running, paused, promoted, rolled back, or aborted.
	Phase  string `json:"phase"`
	Reason string `json:"reason"`
	// From 1; 0 before the first.
	Step int32 `json:"step"`
	// Which percentage of the calls the new release gets.
	Weight   int32         `json:"weight"`
	Since    string        `json:"since"`
	Findings []findingView `json:"findings"`
	Passed   []stepView    `json:"passed"`
}

type canariesView struct {
	Canaries []canaryView `json:"canaries"`
}

func viewOf(c *controlpb.Canary) canaryView {
	v := canaryView{
		Service: c.GetService(), VirtualService: c.GetVirtualService(), From: c.GetFrom(), To: c.GetTo(), Steps: c.GetSteps(), Check: c.GetCheck(),
		Phase: c.GetPhase(), Reason: c.GetReason(), Step: c.GetStep(), Weight: c.GetWeight(), Since: cmdutil.RFC3339(c.GetSince()),
		Findings: viewFindings(c.GetFindings()), Passed: []stepView{},
	}
	for _, p := range c.GetPassed() {
		v.Passed = append(v.Passed, stepView{p.GetWeight(), p.GetTook().AsDuration().Seconds(), viewFindings(p.GetFindings())})
	}
	return v
}

func viewFindings(findings []*controlpb.CanaryFinding) []findingView {
	all := []findingView{}
	for _, f := range findings {
		all = append(all, findingView{f.GetCriterion(), viewRelease(f.GetOld()), viewRelease(f.GetNew()), f.GetVerdict(), f.GetBecause()})
	}
	return all
}

func viewRelease(r *controlpb.ReleaseCalls) releaseView {
	return releaseView{r.GetCalls(), r.GetBad(), cmdutil.Millis(r.GetQuantile().AsDuration())}
}

func newStatusCmd(f *cmdutil.Factory) *cobra.Command {
	o := newOptions(f)
	cmd := &cobra.Command{
		Use:   "status [SERVICE]",
		Short: "Show canaries: weights, both releases beside each other, and the verdict",
		Long: `Show the canary of a service, or all: the step, the weight, and for each criterion what the calls of both releases
since the step began say. A bad call has failed, or taken longer than the criterion allows. The verdicts are fine,
worse, and not known yet.`,
		Example:           "shopctl canary status catalog\nshopctl canary status -o json",
		Args:              cmdutil.AtMost(1, "a service"),
		ValidArgsFunction: completeCanaries(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.status(cmd.Context(), args) },
	}
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *canaryOptions) status(ctx context.Context, args []string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	req := &controlpb.ListCanariesRequest{}
	if len(args) > 0 {
		req.Service = servicename.In(o.namespace(), args[0])
	}
	resp, err := shop.ListCanaries(ctx, req)
	if err != nil {
		return err
	}
	view := canariesView{Canaries: []canaryView{}}
	for _, c := range resp.GetCanaries() {
		view.Canaries = append(view.Canaries, viewOf(c))
	}
	err = o.ios.Print(o.format, view, func(w io.Writer) {
		for i, c := range resp.GetCanaries() {
			if i > 0 {
				fmt.Fprintln(w)
			}
			o.text(w, c)
		}
	})
	if err == nil && len(view.Canaries) == 0 && o.format == iostreams.FormatTable {
		if len(args) > 0 {
			o.ios.Notef("%s has no canary", iostreams.OneLine(args[0]))
			o.ios.Next("canary "+shellword.Quote(args[0])+" --to v2", "canary status")
			return nil
		}
		o.ios.Notef("no service has a canary")
		o.ios.Next("canary catalog --to v2 --image shopctl/catalog:v2")
	}
	return err
}

// text is a canary for people.
func (o *canaryOptions) text(w io.Writer, c *controlpb.Canary) {
	tone := iostreams.ToneInfo
	switch delivery.Phase(c.GetPhase()) {
	case delivery.Promoted:
		tone = iostreams.ToneGood
	case delivery.RolledBack:
		tone = iostreams.ToneBad
	case delivery.Paused, delivery.Aborted:
		tone = iostreams.ToneWarn
	}
	from, to := iostreams.OneLine(c.GetFrom()), iostreams.OneLine(c.GetTo())
	fmt.Fprintf(w, "%s  %s -> %s  %s", o.ios.Paint(iostreams.ToneBold, iostreams.OneLine(c.GetService())), from, to, o.ios.Paint(tone, iostreams.OneLine(c.GetPhase())))
	if c.GetReason() != "" {
		fmt.Fprint(w, ": "+iostreams.OneLine(c.GetReason()))
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "step %d of %d, %s gets %d%% of the calls, for %s\n", c.GetStep(), len(c.GetSteps()), to, c.GetWeight(), cmdutil.Age(o.now(), c.GetSince().AsTime()))
	for _, p := range c.GetPassed() {
		fmt.Fprintf(w, "passed %d%% in %s\n", p.GetWeight(), humanize.Duration(p.GetTook().AsDuration()))
	}
	if len(c.GetFindings()) == 0 {
		return
	}
	t := iostreams.NewTable("CRITERION", from, to, "VERDICT")
	for _, f := range c.GetFindings() {
		verdict := iostreams.OneLine(f.GetVerdict())
		if f.GetBecause() != "" {
			verdict += ": " + iostreams.OneLine(f.GetBecause())
		}
		t.Row(iostreams.OneLine(f.GetCriterion()), share(f.GetOld()), share(f.GetNew()), verdict)
	}
	t.Write(w)
}
