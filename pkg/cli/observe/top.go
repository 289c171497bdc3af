package observe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type topOptions struct {
	watchOptions
	namespace func() string
	window    time.Duration
	sort      string
}

// topOrders are the sort keys, highest first.
func topOrders() map[string]func(mapNodeView) float64 {
	return map[string]func(mapNodeView) float64{
		"cpu":       func(n mapNodeView) float64 { return n.CPUCores },
		"memory":    func(n mapNodeView) float64 { return float64(n.MemoryBytes) },
		"in-flight": func(n mapNodeView) float64 { return n.InFlight },
		"rps":       func(n mapNodeView) float64 { return n.RequestsPerSecond },
		"errors":    func(n mapNodeView) float64 { return n.ErrorRatio },
		"p95":       func(n mapNodeView) float64 { return n.P95Ms },
		"name":      func(mapNodeView) float64 { return 0 },
	}
}

type topView struct {
	Time     string        `json:"time"`
	WindowMs int64         `json:"window_ms"`
	Services []mapNodeView `json:"services"`
	Blast    []blastView   `json:"blast"`
}

func (v topView) Names() []string {
	names := make([]string, len(v.Services))
	for i, s := range v.Services {
		names[i] = s.Service
	}
	return names
}

// NewTopCmd returns the command top, with further commands below it.
func NewTopCmd(f *cmdutil.Factory, below ...*cobra.Command) *cobra.Command {
	o := &topOptions{watchOptions: watchOptions{ios: f.IO, connect: f.Shop, now: f.Now, getenv: f.Getenv}, namespace: f.Namespace, sort: "cpu"}
	orders := slices.Sorted(maps.Keys(topOrders()))
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show CPU, memory, traffic and errors of each service",
		Long: `Show each service's CPU, private memory, requests in flight, rate, errors and 95th percentile. CPU is in percent of one
core over the last minute, summed over all instances and their sidecars. Requests are those that the service served,
counted from its spans; IN-FLIGHT is the average number of concurrent requests over the window. --namespace limits the
table to a namespace.

With sidecars, more columns say what its callers' sidecars know: the share of requests over mutual TLS, retries,
requests that its policies denied, and instances that a caller has ejected now.

"shopctl top pods" shows pods and their containers, as kubectl does.`,
		Example: `shopctl top
shopctl top --sort memory
shopctl top --watch
shopctl top -o json --watch | jq -c '.services[0]'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cmdutil.UnknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.AddCommand(below...)
	cmd.Flags().Var(&cmdutil.EnumFlag{Value: &o.sort, Allowed: orders, Kind: "COLUMN"}, "sort", "sort by this column, highest first: "+strings.Join(orders, ", "))
	cmdutil.CompleteWords(cmd, "sort", orders...)
	addWindow(cmd, &o.window)
	o.add(cmd)
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

func (o *topOptions) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	return o.repeat(ctx, func() (frame, error) {
		m, err := shop.GetMap(ctx, &controlpb.GetMapRequest{Window: durationpb.New(o.window), Settle: !o.watch})
		if err != nil {
			return frame{}, err
		}
		view := o.view(m)
		if err := o.limit(ctx, shop, &view); err != nil {
			return frame{}, err
		}
		return frame{view, func(w io.Writer) { o.table(w, view) }}, nil
	}, func(any) {})
}

// limit leaves only the services of the namespace, if one is given.
func (o *topOptions) limit(ctx context.Context, shop *control.Client, v *topView) error {
	if o.namespace() == "" {
		return nil
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	inside, err := cmdutil.ServicesIn(ctx, shop, o.namespace(), st.GetServices())
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, s := range inside {
		names[s.GetName()] = true
		for _, module := range s.GetModules() {
			names[module.GetName()] = true
		}
	}
	v.Services = slices.DeleteFunc(v.Services, func(n mapNodeView) bool { return !names[n.Service] })
	v.Blast = slices.DeleteFunc(v.Blast, func(b blastView) bool { return !names[b.Service] })
	return nil
}

func (o *topOptions) view(m *controlpb.GetMapResponse) topView {
	all := viewMap(m)
	v := topView{Time: all.Time, WindowMs: all.WindowMs, Services: []mapNodeView{}, Blast: all.Blast}
	for _, n := range all.Nodes {
		if n.State != "" || n.Requests > 0 {
			v.Services = append(v.Services, n)
		}
	}
	by := topOrders()[o.sort]
	slices.SortFunc(v.Services, func(a, b mapNodeView) int {
		return cmp.Or(cmp.Compare(by(b), by(a)), cmp.Compare(a.Service, b.Service))
	})
	return v
}

func (o *topOptions) table(w io.Writer, v topView) {
	header := []string{"NAME", "STATE", "CPU", "MEMORY", "IN-FLIGHT", "REQ/S", "ERRORS", "P95"}
	meshed := slices.ContainsFunc(v.Services, func(n mapNodeView) bool { return n.Mesh != nil })
	if meshed {
		header = append(header, "MTLS", "RETRIES", "DENIED", "EJECTED")
	}
	t := iostreams.NewTable(append(header, "FAULTS")...)
	for _, n := range v.Services {
		var mesh []string
		if meshed {
			mesh = o.mesh(n.Mesh)
		}
		cpu, memory := "-", "-"
		if n.CPUCores > 0 {
			cpu = fmt.Sprintf("%.1f%%", 100*n.CPUCores)
		}
		if n.MemoryBytes > 0 {
			memory = fmt.Sprintf("%.1f MB", float64(n.MemoryBytes)/1e6)
		}
		faults := o.ios.Paint(iostreams.ToneWarn, strings.Join(n.Faults, "; "))
		state := "-"
		if n.State != "" {
			state = o.ios.State(n.State)
		}
		if n.Requests == 0 {
			t.Row(append(append([]string{n.Service, state, cpu, memory, "-", "0", "-", "-"}, mesh...), faults)...)
			continue
		}
		errors := humanize.Percent(n.ErrorRatio)
		if n.ErrorRatio > 0 {
			errors = o.ios.Paint(iostreams.ToneBad, errors)
		}
		row := []string{n.Service, state, cpu, memory, fmt.Sprintf("%.1f", n.InFlight), humanize.Rate(n.RequestsPerSecond), errors, humanize.Millis(n.P95Ms)}
		t.Row(append(append(row, mesh...), faults)...)
	}
	t.Write(w)
	for i, b := range v.Blast {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, o.ios.Paint(iostreams.ToneWarn, b.Sentence))
	}
}

// mesh are the columns of what sidecars know of the calls to a service.
func (o *topOptions) mesh(m *meshView) []string {
	if m == nil {
		return []string{"-", "-", "-", "-"}
	}
	mtls := "-"
	if reached := m.MutualTLS + m.Plaintext; reached > 0 {
		mtls = humanize.Percent(float64(m.MutualTLS) / float64(reached))
	}
	warned := func(n int64) string {
		if n == 0 {
			return "0"
		}
		return o.ios.Paint(iostreams.ToneWarn, strconv.FormatInt(n, 10))
	}
	return []string{mtls, warned(m.Retries), warned(m.Denied), warned(int64(len(m.Ejected)))}
}
