package mesh

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type explainOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
}

func newExplainCmd(f *cmdutil.Factory) *cobra.Command {
	o := &explainOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "explain TRACE|REQUEST",
		Short: "Name the line of YAML that decided about a request, hop by hop",
		Long: `Follow a request through the sidecars. For each hop, name the file and line of the object that routed, retried, timed
out, ejected, mirrored, delayed, aborted or denied it, and say what would have happened without. A decision without a
file is a default of Istio's. The argument is a trace id or the beginning of one, last, or an x-request-id.`,
		Example: "shopctl mesh explain last\nshopctl mesh explain 4bf92f3577b3 -o json",
		Args:    cmdutil.Exactly(1, "a trace id, a request id, or last"),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON, iostreams.FormatYAML)
	return exits(cmd)
}

type decisionView struct {
	Verb     string `json:"verb"`
	What     string `json:"what"`
	Object   string `json:"object"`
	Position string `json:"position"`
	Without  string `json:"without"`
}

type hopView struct {
	Caller    string         `json:"caller"`
	Callee    string         `json:"callee"`
	Operation string         `json:"operation"`
	Status    string         `json:"status"`
	Flags     string         `json:"flags"`
	Attempts  int32          `json:"attempts"`
	MS        float64        `json:"ms"`
	Depth     int32          `json:"depth"`
	Decisions []decisionView `json:"decisions"`
}

type explainView struct {
	TraceID string    `json:"trace_id"`
	Hops    []hopView `json:"hops"`
	Remarks []string  `json:"remarks"`
}

func viewExplained(r *controlpb.ExplainMeshResponse) explainView {
	v := explainView{TraceID: r.GetTraceId(), Hops: []hopView{}, Remarks: cmdutil.NotNil(r.GetRemarks())}
	for _, h := range r.GetHops() {
		hop := hopView{
			h.GetCaller(), h.GetCallee(), h.GetOperation(), h.GetStatus(), h.GetFlags(), h.GetAttempts(),
			cmdutil.Millis(h.GetDuration().AsDuration()), h.GetDepth(),
			[]decisionView{},
		}
		for _, d := range h.GetDecisions() {
			hop.Decisions = append(hop.Decisions, decisionView{d.GetVerb(), d.GetWhat(), d.GetObject(), d.GetPosition(), d.GetWithout()})
		}
		v.Hops = append(v.Hops, hop)
	}
	return v
}

func (o *explainOptions) run(ctx context.Context, request string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.ExplainMesh(ctx, &controlpb.ExplainMeshRequest{Request: request})
	if err != nil {
		return err
	}
	return o.ios.Print(o.format, viewExplained(resp), func(w io.Writer) { o.text(w, resp) })
}

func (o *explainOptions) text(w io.Writer, r *controlpb.ExplainMeshResponse) {
	fmt.Fprintln(w, o.ios.Paint(iostreams.ToneBold, "trace "+iostreams.OneLine(r.GetTraceId())))
	for _, h := range r.GetHops() {
		indent := strings.Repeat("  ", int(min(h.GetDepth(), 8)))
		head := fmt.Sprintf("%s%s -> %s  %s  %s  %s", indent, iostreams.OneLine(h.GetCaller()), iostreams.OneLine(h.GetCallee()),
			iostreams.OneLine(h.GetOperation()), iostreams.OneLine(h.GetStatus()), humanize.Duration(h.GetDuration().AsDuration()))
		if h.GetFlags() != "" && h.GetFlags() != "-" {
			head += "  flags " + o.ios.Paint(iostreams.ToneWarn, iostreams.OneLine(h.GetFlags()))
		}
		fmt.Fprintln(w, head)
		for _, d := range h.GetDecisions() {
			fmt.Fprintf(w, "%s  %s\n", indent, o.decision(d))
			if d.GetWithout() != "" {
				fmt.Fprintf(w, "%s    %s\n", indent, o.ios.Paint(iostreams.ToneFaint, "without: "+iostreams.OneLine(d.GetWithout())))
			}
		}
	}
	for _, remark := range r.GetRemarks() {
		fmt.Fprintln(w, iostreams.OneLine(remark))
	}
}

func (o *explainOptions) decision(d *controlpb.ExplainedDecision) string {
	by := "default of Istio"
	if d.GetObject() != "" {
		by = iostreams.OneLine(d.GetObject())
	}
	if d.GetPosition() != "" {
		by = o.ios.Paint(iostreams.ToneInfo, iostreams.OneLine(d.GetPosition())) + " " + by
	}
	return fmt.Sprintf("%s: %s", by, iostreams.OneLine(d.GetWhat()))
}
