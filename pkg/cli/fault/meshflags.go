package fault

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/fault"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// meshFlags are the flags of faults that sidecars cause.
type meshFlags struct {
	from, where string
	headers     []string
	// partition are two services.
	partition []string
	drop      percent
	bandwidth rate
}

func (m *meshFlags) add(cmd *cobra.Command, f *cmdutil.Factory) {
	flags := cmd.Flags()
	flags.StringVar(&m.from, "from", "", "only calls of this `SERVICE`, made to fail or wait by its sidecar")
	flags.StringArrayVar(&m.headers, "header", nil, "only requests with the header `NAME=VALUE`, by the callers' sidecars; repeatable")
	flags.StringVar(&m.where, "where", "", "`SIDE` that makes calls fail or wait: server (default), or client, the callers' sidecars")
	flags.StringSliceVar(&m.partition, "partition", nil, "let nothing pass between the sidecars of `SERVICE,SERVICE`")
	flags.Var(&m.drop, "drop", "lose this `PERCENT` of the packets between sidecars; each comes 200ms later, or more")
	flags.Var(&m.bandwidth, "bandwidth", "bytes per second that pass between sidecars in each direction, a `RATE` such as 64KB/s")
	for _, name := range []string{"from", "partition"} {
		cmdutil.Must(cmd.RegisterFlagCompletionFunc(name, completePeers(f, name)))
	}
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("where", cobra.FixedCompletions([]cobra.Completion{
		fault.WhereServer + "\tin the called service", fault.WhereClient + "\tin the callers' sidecars, as a VirtualService",
	}, cobra.ShellCompDirectiveNoFileComp)))
	for _, name := range []string{"header", "drop", "bandwidth"} {
		cmdutil.Must(cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
}

// args checks the arguments: a service, or none with a partition, which names two.
func (m *meshFlags) args(cmd *cobra.Command, args []string) error {
	if len(m.partition) > 0 {
		return cmdutil.Exactly(0, "")(cmd, args)
	}
	return cmdutil.Exactly(1, "a service")(cmd, args)
}

// wire reports whether the flags ask for a fault on the wire.
func (m *meshFlags) wire() bool { return len(m.partition) > 0 || m.drop > 0 || m.bandwidth > 0 }

// service is the one that the command names: its argument, or the first of a partition.
func (m *meshFlags) service(args []string) (string, error) {
	if len(m.partition) == 0 {
		return args[0], nil
	}
	const example = "shopctl fault inject --partition checkout,payment"
	switch {
	case len(m.partition) != 2 || slices.Contains(m.partition, ""):
		return "", cmdutil.UsageErr(example, "read --partition %s: want two services with a comma between", strings.Join(m.partition, ","))
	case m.from != "":
		return "", cmdutil.UsageErr(example, "--from has no meaning with --partition, which names both services")
	}
	return m.partition[0], nil
}

// fill writes the flags into a request.
func (m *meshFlags) fill(f *controlpb.Fault, namespace string) {
	f.From, f.Where, f.Headers = servicename.In(namespace, m.from), m.where, m.headers
	f.Drop, f.Bandwidth = float64(m.drop), int64(m.bandwidth)
	if len(m.partition) == 2 {
		f.Partition, f.From = true, servicename.In(namespace, m.partition[1])
	}
}

// completePeers completes the names of services, after a comma too.
func completePeers(f *cmdutil.Factory, flag string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		names := cmdutil.Without(cmdutil.ServiceNames(cmd.Context(), f.Shop, f.Namespace()), args)
		first, _, second := strings.Cut(typed, ",")
		if flag != "partition" {
			return names, cobra.ShellCompDirectiveNoFileComp
		}
		if !second {
			return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		var pairs []string
		for _, name := range cmdutil.Without(names, []string{first}) {
			pairs = append(pairs, first+","+name)
		}
		return pairs, cobra.ShellCompDirectiveNoFileComp
	}
}

// percent is a flag of a percentage, with or without its sign.
type percent float64

func (p *percent) String() string {
	if *p == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*p), 'g', -1, 64) + "%"
}

func (*percent) Type() string { return "percent" }

func (p *percent) Set(text string) error {
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !(n > 0 && n <= 100) {
		return fmt.Errorf("want a percentage above zero and at most 100, such as 20%%")
	}
	*p = percent(n)
	return nil
}

// rate is a flag of bytes per second: "64KB/s".
type rate int64

func (r *rate) String() string {
	if *r == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*r), 10) + "B/s"
}

func (*rate) Type() string { return "rate" }

func (r *rate) Set(text string) error {
	number := strings.TrimSuffix(strings.TrimSuffix(text, "/s"), "B")
	factor := 1.0
	for _, unit := range []struct {
		name   string
		factor float64
	}{{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"K", 1e3}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}} {
		if rest, ok := strings.CutSuffix(number, unit.name); ok {
			number, factor = rest, unit.factor
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if n *= factor; err != nil || !(n >= 1 && n <= math.MaxInt32*1e3) {
		return fmt.Errorf("want bytes per second, such as 64KB/s or 1MiB/s")
	}
	*r = rate(n)
	return nil
}
