package mesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/pkg/trace"
)

type tapOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	format    string
	failed    bool
	tail      int32
	noFollow  bool
}

func newTapCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tapOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "tap [SERVICE]",
		Short: "Print requests as they go through sidecars",
		Long: `Print each request that goes through a sidecar of a service, or of all, until interrupted: out is what the service's
sidecar sent for it, in what it received for it. With status, response flags, attempts, time, and the cluster and
endpoint that were chosen. Flags are Envoy's: UT timeout, UO limit reached, UH no healthy endpoint, NR no route, URX
retries used up, FI and DI injected faults. With -o json, one object per line.`,
		Example:           "shopctl mesh tap checkout\nshopctl mesh tap --failed -o json | jq -r .flags",
		Args:              cmdutil.AtMost(1, "one service"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.failed, "failed", false, "only requests that failed or have a response flag")
	flags.Int32Var(&o.tail, "tail", 0, "first print the last `NUMBER` of requests")
	flags.BoolVar(&o.noFollow, "no-follow", false, "end after the requests of --tail")
	cmdutil.LimitNumber(cmd, "tail", 0, 1000, "20")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

func (o *tapOptions) run(ctx context.Context, args []string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	req := &controlpb.TapMeshRequest{Failed: o.failed, Tail: o.tail, NoFollow: o.noFollow}
	if len(args) > 0 {
		req.Service = servicename.In(o.namespace(), args[0])
	}
	stream, err := shop.TapMesh(ctx, req)
	if err != nil {
		return err
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.print(r); err != nil {
			return err
		}
	}
}

type tapView struct {
	Time       string  `json:"time"`
	Service    string  `json:"service"`
	Instance   string  `json:"instance"`
	Direction  string  `json:"direction"`
	Method     string  `json:"method"`
	Path       string  `json:"path"`
	Authority  string  `json:"authority"`
	Code       int32   `json:"code"`
	GRPCStatus string  `json:"grpc_status"`
	Flags      string  `json:"flags"`
	Details    string  `json:"details"`
	Attempts   int32   `json:"attempts"`
	MS         float64 `json:"ms"`
	Cluster    string  `json:"cluster"`
	Host       string  `json:"host"`
	Route      string  `json:"route"`
	Security   string  `json:"security"`
	Principal  string  `json:"principal"`
	TraceID    string  `json:"trace_id"`
	SpanID     string  `json:"span_id"`
	RequestID  string  `json:"request_id"`
}

func (o *tapOptions) print(r *controlpb.TappedRequest) error {
	if o.format == iostreams.FormatJSON {
		return o.ios.PrintLine(tapView{
			cmdutil.RFC3339(r.GetTime()), r.GetService(), r.GetInstance(), r.GetDirection(), r.GetMethod(), r.GetPath(), r.GetAuthority(),
			r.GetCode(), r.GetGrpcStatus(), r.GetFlags(), r.GetDetails(), r.GetAttempts(), cmdutil.Millis(r.GetDuration().AsDuration()),
			r.GetCluster(), r.GetHost(), r.GetRoute(), r.GetSecurity(), r.GetPrincipal(), r.GetTraceId(), r.GetSpanId(), r.GetRequestId(),
		})
	}
	_, err := fmt.Fprintln(o.ios.Out, o.line(r))
	return err
}

func (o *tapOptions) line(r *controlpb.TappedRequest) string {
	when := r.GetTime().AsTime().Local().Format("15:04:05.000")
	direction := "in "
	if r.GetDirection() == "outbound" {
		direction = "out"
	}
	status, tone := cmp.Or(r.GetGrpcStatus(), strconv.Itoa(int(r.GetCode()))), iostreams.ToneGood
	flags := cmp.Or(r.GetFlags(), "-")
	if r.GetCode() >= 400 || r.GetGrpcStatus() != "" && r.GetGrpcStatus() != "OK" {
		tone = iostreams.ToneBad
	}
	line := fmt.Sprintf("%s %s %s %s %s %s", o.ios.Paint(iostreams.ToneFaint, when), iostreams.OneLine(r.GetService()), direction,
		iostreams.OneLine(r.GetPath()), o.ios.Paint(tone, iostreams.OneLine(status)), iostreams.OneLine(flags))
	if r.GetAttempts() > 1 {
		line += " " + o.ios.Paint(iostreams.ToneWarn, humanize.Count(int(r.GetAttempts()), "attempt"))
	}
	line += " " + humanize.Duration(r.GetDuration().AsDuration())
	if r.GetCluster() != "" {
		line += " " + iostreams.OneLine(r.GetCluster())
	}
	if r.GetHost() != "" {
		line += " " + iostreams.OneLine(r.GetHost())
	}
	if r.GetSecurity() != "" {
		line += " " + iostreams.OneLine(r.GetSecurity())
	}
	if id := r.GetTraceId(); id != "" {
		line += " " + o.ios.Paint(iostreams.ToneFaint, "trace "+iostreams.OneLine(trace.ShortID(id)))
	}
	return line
}
