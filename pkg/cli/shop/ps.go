package shop

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

type psOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	format    string
	instances bool
	stats     bool
}

func NewPsCmd(f *cmdutil.Factory) *cobra.Command {
	o := &psOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "ps [SERVICE...]",
		Short: "List the services and their status",
		Example: `shopctl ps
shopctl ps --instances catalog
shopctl ps -o json | jq '.services[] | select(.state != "ok")'`,
		ValidArgsFunction: cmdutil.CompleteServices(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().BoolVar(&o.instances, "instances", false, "list instances with process, address and memory")
	cmd.Flags().BoolVar(&o.stats, "stats", false, "measure request rates, errors and latencies")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *psOptions) run(ctx context.Context, words []string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{Stats: o.stats, Memory: o.instances || iostreams.Structured(o.format)})
	if err != nil {
		return err
	}
	all, err := o.choose(ctx, shop, st, words)
	if err != nil {
		return err
	}
	view := servicesView{Services: viewServices(all)}
	var missing []missingView
	if len(words) == 0 && o.namespace() == "" {
		missing = viewMissing(o.ios, st.GetMissing())
	}
	blast := cmdutil.BlastOf(ctx, shop, o.format == iostreams.FormatTable, st.GetFaults())
	return o.ios.Print(o.format, view, func(w io.Writer) {
		switch {
		case o.instances:
			instanceTable(o.ios, w, view.Services)
		case o.stats:
			statsTable(o.ios, w, view.Services)
		default:
			serviceTable(o.ios, w, view.Services)
			fmt.Fprintf(w, "\n%s\n", healthLine(view.Services, missing))
			missingLines(o.ios, w, missing)
			faultLines(o.ios, w, st.GetFaults(), blast)
		}
	})
}

// choose returns the services that words mean, each once; without words all, of the namespace if one is given. Of a service
// that is named by an instance, there is only that.
func (o *psOptions) choose(ctx context.Context, shop *control.Client, st *controlpb.StatusResponse, words []string) ([]*controlpb.Service, error) {
	all, err := cmdutil.ServicesIn(ctx, shop, o.namespace(), st.GetServices())
	if err != nil || len(words) == 0 {
		return all, err
	}
	var found []*controlpb.Service
	for _, word := range words {
		s, ref, err := cmdutil.FindRef(st, o.namespace(), word)
		if err != nil {
			return nil, err
		}
		if ref.Kind == servicename.Pod {
			o.instances = true
			one := proto.CloneOf(s)
			one.Instances = slices.DeleteFunc(one.Instances, func(in *controlpb.Instance) bool { return in.GetName() != ref.Name })
			s = one
		}
		if !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	return found, nil
}

func serviceTable(ios *iostreams.IO, w io.Writer, all []serviceView) {
	meshed := slices.ContainsFunc(all, func(s serviceView) bool { return sidecars(s) != "" })
	// cells are those of a row, with the column about the mesh where there is one.
	cells := func(name, state, ready, restarts, version, mesh, address, faults string) []string {
		if !meshed {
			return []string{name, state, ready, restarts, version, address, faults}
		}
		return []string{name, state, ready, restarts, version, mesh, address, faults}
	}
	t := iostreams.NewTable(cells("NAME", "STATE", "READY", "RESTARTS", "VERSION", "MESH", "ADDRESS", "FAULTS")...)
	for _, s := range all {
		t.Row(cells(s.Name, ios.State(s.State), fmt.Sprintf("%d/%d", s.Ready, s.Replicas), fmt.Sprint(s.Restarts), iostreams.OrDash(s.Version),
			iostreams.OrDash(sidecars(s)), iostreams.OrDash(s.Address), ios.Paint(iostreams.ToneWarn, strings.Join(s.Faults, "; ")))...)
		for i, m := range s.Modules {
			t.Row(cells(branch(ios, i == len(s.Modules)-1)+m.Name, "", "", "", "", "", iostreams.OrDash(m.Address), ios.Paint(iostreams.ToneWarn, strings.Join(m.Faults, "; ")))...)
		}
	}
	t.Write(w)
	for _, s := range all {
		if s.Message != "" && s.State != "ok" {
			fmt.Fprintf(w, "\n%s: %s", s.Name, iostreams.OneLine(s.Message))
		}
	}
	for _, s := range all {
		if s.Message != "" && s.State != "ok" {
			fmt.Fprintln(w)
			break
		}
	}
}

// meshContainer is the name of a sidecar of the mesh, as in Istio.
const meshContainer = "istio-proxy"

// sidecars is how many instances of a service are called through a sidecar that is ready, of all: "2/2". It is empty
// where none has one.
func sidecars(s serviceView) string {
	has, ready := 0, 0
	for _, in := range s.Instances {
		for _, c := range in.Containers {
			if c.Name == meshContainer {
				has++
				if c.Ready {
					ready++
				}
			}
		}
	}
	if has == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", ready, len(s.Instances))
}

func statsTable(ios *iostreams.IO, w io.Writer, all []serviceView) {
	t := iostreams.NewTable("NAME", "STATE", "REQ/S", "ERRORS", "P50", "P95", "P99", "FAULTS")
	for _, s := range all {
		st := s.Stats
		if st == nil || st.Requests == 0 {
			served := "0"
			if s.Role == "custom" {
				served = "-" // nothing measures it
			}
			t.Row(s.Name, ios.State(s.State), served, "-", "-", "-", "-", ios.Paint(iostreams.ToneWarn, strings.Join(s.Faults, "; ")))
			continue
		}
		t.Row(s.Name, ios.State(s.State), humanize.Rate(st.RequestsPerSecond), humanize.Percent(st.ErrorRatio),
			humanize.Millis(st.P50Ms), humanize.Millis(st.P95Ms), humanize.Millis(st.P99Ms), ios.Paint(iostreams.ToneWarn, strings.Join(s.Faults, "; ")))
	}
	t.Write(w)
}

// containerRows are the containers of an instance, if it has several.
func containerRows(ios *iostreams.IO, t *iostreams.Table, in instanceView) {
	if len(in.Containers) < 2 {
		return
	}
	for i, c := range in.Containers {
		_, pid, _ := strings.Cut(c.ID, "://")
		t.Row(branch(ios, i == len(in.Containers)-1)+c.Name, c.Kind, ios.State(c.State), "", "", iostreams.OrDash(pid), iostreams.OrDash(c.Address), fmt.Sprint(c.Restarts), "")
	}
}

// branch is the line from a row to the one above that it belongs to.
func branch(ios *iostreams.IO, last bool) string {
	switch {
	case ios.ASCII:
		return "- "
	case last:
		return "└ "
	}
	return "├ "
}

func instanceTable(ios *iostreams.IO, w io.Writer, all []serviceView) {
	t := iostreams.NewTable("INSTANCE", "SERVICE", "STATE", "READY", "VERSION", "PID", "ADDRESS", "RESTARTS", "MEMORY")
	for _, s := range all {
		for _, in := range s.Instances {
			memory := "-"
			if in.MemoryBytes > 0 {
				memory = fmt.Sprintf("%.1f MB", float64(in.MemoryBytes)/1e6)
			}
			t.Row(in.Name, s.Name, ios.State(in.State), in.readyContainers(), iostreams.OrDash(in.Version), fmt.Sprint(in.PID), iostreams.OrDash(in.Address), fmt.Sprint(in.Restarts), memory)
			containerRows(ios, t, in)
		}
	}
	t.Write(w)
}

// healthLine counts the services, and separately the stores, that should be running:
// "11/11 services healthy, 1/1 stores healthy".
func healthLine(all []serviceView, missing []missingView) string {
	healthy, total, stopped := map[string]int{}, map[string]int{}, 0
	for _, m := range missing {
		if m.absent {
			total[m.role]++
		}
	}
	for _, s := range all {
		role := cmp.Or(s.Role, "service")
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
		if n := total[role.name]; n > 0 || role.name == "service" && total["custom"]+total["store"] == 0 {
			parts = append(parts, fmt.Sprintf("%d/%d %s healthy", healthy[role.name], n, role.plural))
		}
	}
	if stopped > 0 {
		parts = append(parts, fmt.Sprintf("%d stopped", stopped))
	}
	return strings.Join(parts, ", ")
}

// faultLines prints the active faults, and their impact where it is known.
func faultLines(ios *iostreams.IO, w io.Writer, faults []*controlpb.Fault, blast map[string]string) {
	for _, fault := range faults {
		fmt.Fprintln(w, ios.Paint(iostreams.ToneWarn, iostreams.OneLine("fault on "+fault.GetService()+": "+fault.GetPhrase())))
	}
	for _, fault := range faults {
		if sentence := blast[fault.GetId()]; sentence != "" {
			fmt.Fprintln(w, ios.Paint(iostreams.ToneWarn, iostreams.OneLine(sentence)))
		}
	}
}
