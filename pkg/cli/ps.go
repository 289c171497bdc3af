package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type psOptions struct {
	f         *Factory
	format    string
	instances bool
	stats     bool
}

func newPsCmd(f *Factory) *cobra.Command {
	o := &psOptions{f: f}
	cmd := &cobra.Command{
		Use:   "ps [SERVICE...]",
		Short: "List the services and how they do",
		Example: `shopctl ps
shopctl ps --instances catalog
shopctl ps -o json | jq '.services[] | select(.state != "ok")'`,
		ValidArgsFunction: completeServices(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().BoolVar(&o.instances, "instances", false, "list every instance with its process, address and memory")
	cmd.Flags().BoolVar(&o.stats, "stats", false, "measure request rates, errors and latencies")
	addOutput(cmd, &o.format)
	return exits(cmd, exitOK, exitUsage, exitNotRunning)
}

func (o *psOptions) run(ctx context.Context, words []string) error {
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{Stats: o.stats, Memory: o.instances || structured(o.format)})
	if err != nil {
		return err
	}
	all, err := servicesIn(ctx, shop, o.f.Namespace, st.GetServices())
	if err == nil && len(words) > 0 {
		all, err = findServices(all, words)
	}
	if err != nil {
		return err
	}
	view := servicesView{Services: viewServices(all)}
	blast := blastOf(ctx, shop, o.format == formatTable, st.GetFaults())
	return o.f.IO.Print(o.format, view, func(w io.Writer) {
		switch {
		case o.instances:
			instanceTable(o.f.IO, w, view.Services)
		case o.stats:
			statsTable(o.f.IO, w, view.Services)
		default:
			serviceTable(o.f.IO, w, view.Services)
			fmt.Fprintf(w, "\n%s\n", healthLine(view.Services))
			faultLines(o.f.IO, w, st.GetFaults(), blast)
		}
	})
}

// structured tells whether a format prints all fields, those included that have to be asked for.
func structured(format string) bool { return format == formatJSON || format == formatYAML }

func serviceTable(ios *IO, w io.Writer, all []serviceView) {
	t := newTable("NAME", "STATE", "READY", "RESTARTS", "VERSION", "ADDRESS", "FAULTS")
	for _, s := range all {
		t.row(s.Name, ios.state(s.State), fmt.Sprintf("%d/%d", s.Ready, s.Replicas), fmt.Sprint(s.Restarts),
			dash(s.Version), dash(s.Address), ios.paint(toneWarn, strings.Join(s.Faults, "; ")))
		moduleRows(ios, t, s)
	}
	t.write(w)
	for _, s := range all {
		if s.Message != "" && s.State != "ok" {
			fmt.Fprintf(w, "\n%s: %s", s.Name, s.Message)
		}
	}
	for _, s := range all {
		if s.Message != "" && s.State != "ok" {
			fmt.Fprintln(w)
			break
		}
	}
}

// moduleRows are the services that have no process of their own, below the one that holds them.
func moduleRows(ios *IO, t *table, s serviceView) {
	for i, m := range s.Modules {
		branch := "├ "
		switch last := i == len(s.Modules)-1; {
		case ios.ASCII:
			branch = "- "
		case last:
			branch = "└ "
		}
		t.row(branch+m.Name, "", "", "", "", dash(m.Address), ios.paint(toneWarn, strings.Join(m.Faults, "; ")))
	}
}

func statsTable(ios *IO, w io.Writer, all []serviceView) {
	t := newTable("NAME", "STATE", "REQ/S", "ERRORS", "P50", "P95", "P99", "FAULTS")
	for _, s := range all {
		st := s.Stats
		if st == nil || st.Requests == 0 {
			t.row(s.Name, ios.state(s.State), "0", "-", "-", "-", "-", ios.paint(toneWarn, strings.Join(s.Faults, "; ")))
			continue
		}
		t.row(s.Name, ios.state(s.State), fmt.Sprintf("%.1f", st.RequestsPerSecond), fmt.Sprintf("%.1f%%", st.ErrorRatio*100),
			latency(st.P50Ms), latency(st.P95Ms), latency(st.P99Ms), ios.paint(toneWarn, strings.Join(s.Faults, "; ")))
	}
	t.write(w)
}

func instanceTable(ios *IO, w io.Writer, all []serviceView) {
	t := newTable("INSTANCE", "SERVICE", "STATE", "VERSION", "PID", "ADDRESS", "RESTARTS", "MEMORY")
	for _, s := range all {
		for _, in := range s.Instances {
			memory := "-"
			if in.MemoryBytes > 0 {
				memory = fmt.Sprintf("%.1f MB", float64(in.MemoryBytes)/1e6)
			}
			t.row(in.Name, s.Name, ios.state(in.State), dash(in.Version), fmt.Sprint(in.PID), dash(in.Address), fmt.Sprint(in.Restarts), memory)
		}
	}
	t.write(w)
}

// healthLine counts the services, and apart from them the stores, that should run:
// "11/11 services healthy, 1/1 stores healthy".
func healthLine(all []serviceView) string {
	healthy, total, stopped := map[string]int{}, map[string]int{}, 0
	for _, s := range all {
		role := orElse(s.Role, "service")
		switch s.State {
		case "stopped":
			stopped++
			continue
		case "ok":
			healthy[role]++
		}
		total[role]++
	}
	var parts []string
	for _, role := range []struct{ name, plural string }{{"service", "services"}, {"store", "stores"}, {"custom", "custom workloads"}} {
		if n := total[role.name]; n > 0 || role.name == "service" {
			parts = append(parts, fmt.Sprintf("%d/%d %s healthy", healthy[role.name], n, role.plural))
		}
	}
	if stopped > 0 {
		parts = append(parts, fmt.Sprintf("%d stopped", stopped))
	}
	return strings.Join(parts, ", ")
}

// faultLines shows the active faults, as every view does, and how far they reach as far as that is known.
func faultLines(ios *IO, w io.Writer, faults []*controlpb.Fault, blast map[string]string) {
	for _, fault := range faults {
		fmt.Fprintln(w, ios.paint(toneWarn, "fault on "+fault.GetService()+": "+fault.GetPhrase()))
	}
	for _, fault := range faults {
		if sentence := blast[fault.GetId()]; sentence != "" {
			fmt.Fprintln(w, ios.paint(toneWarn, sentence))
		}
	}
}

func latency(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1fms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0fms", ms)
	default:
		return fmt.Sprintf("%.1fs", ms/1000)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
