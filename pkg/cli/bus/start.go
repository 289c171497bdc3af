package bus

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// carries reports whether an optional workload is the bus or one that is only there for it.
func carries(name string) bool { return name == localName || slices.Contains(consumers(), name) }

// consumers are the services that can subscribe to events.
func consumers() []string { return []string{"email", "warehouse"} }

type startOptions struct {
	options
	url  string
	wait edit.WaitFlags
}

func newStartCmd(f *cmdutil.Factory) *cobra.Command {
	o := &startOptions{options: newOptions(f)}
	cmd := &cobra.Command{
		Use:   "start [CONSUMER...]",
		Short: "Let services subscribe to events, and start the bus for them",
		Long: `Let services subscribe to events, and start the bus for them: by default all that can (` + strings.Join(consumers(), ", ") + `).

The bus is the workload nats, a NATS server with JetStream within this program. With --url, an external server or
cluster is used instead. Checkout and the consumers get its address in the variable ` + urlVar + `, and roll out.`,
		Example: `shopctl bus start --wait
shopctl bus start warehouse --url nats://nats.example.com:4222`,
		Args:      cobra.ArbitraryArgs,
		ValidArgs: consumers(),
		RunE:      func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	cmd.Flags().StringVar(&o.url, "url", "", "use the NATS server at this `URL`, or the cluster at several, with commas between them")
	cmdutil.AddOutput(cmd, &o.format)
	o.wait.Add(cmd)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

func (o *startOptions) run(ctx context.Context, names []string) error {
	for _, name := range names {
		if !slices.Contains(consumers(), name) {
			return cmdutil.UnknownNameErr("consumer", name, consumers())
		}
	}
	if len(names) == 0 {
		names = consumers()
	}
	at := localURL
	if o.url != "" {
		if err := checkURL(o.url); err != nil {
			return o.usage("bus start --url nats://nats.example.com:4222", err)
		}
		at = o.url
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	if err := o.refuseMonolith(ctx, shop); err != nil {
		return err
	}
	applied, err := o.apply(ctx, shop, names)
	if err != nil {
		return err
	}
	toSender := map[string]string{urlVar: at}
	if slices.Contains(names, "email") {
		toSender[confirmVar] = "events"
	}
	all := applied
	for _, to := range []struct { // consumers first: what is sent has its receivers
		services []string
		set      map[string]string
	}{{names, map[string]string{urlVar: at}}, {[]string{sender}, toSender}} {
		edited, err := shop.Edit(ctx, &controlpb.EditRequest{Services: to.services, Operation: &controlpb.EditRequest_SetEnv{SetEnv: &controlpb.SetEnv{Set: to.set}}})
		if err != nil {
			return err
		}
		all = append(all, edited.GetObjects()...)
	}
	if err := edit.PrintApplied(o.ios, o.format, all, "subscribed", edit.DryRunNone); err != nil {
		return err
	}
	return o.wait.Rollout(ctx, o.ios, shop, all)
}

// apply applies the workloads that are not there yet.
func (o *startOptions) apply(ctx context.Context, shop *control.Client, names []string) ([]*controlpb.AppliedObject, error) {
	var files []*controlpb.File
	for _, b := range services.Optional() {
		if b.Name == localName && o.url == "" || slices.Contains(names, b.Name) {
			files = append(files, &controlpb.File{Name: b.Name + "/manifest.yaml", Content: b.Manifest()})
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	resp, err := shop.Apply(ctx, &controlpb.ApplyRequest{Files: files})
	return resp.GetObjects(), err
}

// refuseMonolith explains why a shop in one process has no bus.
func (o *startOptions) refuseMonolith(ctx context.Context, shop *control.Client) error {
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindDeployment})
	if err != nil {
		return err
	}
	for _, object := range resp.GetObjects() {
		if object.GetName() == services.MonolithName {
			return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl down && shopctl up", fmt.Errorf("the modules of a monolith call each other, and send no events"))
		}
	}
	return nil
}

// checkURL refuses what is not the address of a NATS server.
func checkURL(list string) error {
	for word := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(strings.TrimSpace(word))
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return fmt.Errorf("read --url: want the address of a NATS server such as nats://host:4222") // without what may be a password
		}
	}
	return nil
}

type stopOptions struct {
	options
	wait edit.WaitFlags
}

func newStopCmd(f *cmdutil.Factory) *cobra.Command {
	o := &stopOptions{options: newOptions(f)}
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Let nothing subscribe to events any more, and stop the bus",
		Long: `Let nothing subscribe to events any more, and stop the bus. The events that it keeps, and those that wait in
checkout's outbox, stay for the next bus start: see first that bus consumers has none WAITING. Orders go on without
events.`,
		Example: "shopctl bus stop --wait",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	o.wait.Add(cmd)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInconclusive)
}

func (o *stopOptions) run(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	var subscribed, optional []string
	for _, name := range append(consumers(), sender) {
		if s, err := cmdutil.FindService(st, "", name); err == nil {
			subscribed = append(subscribed, s.GetName())
		}
	}
	for _, b := range services.Optional() {
		if !carries(b.Name) {
			continue
		}
		if _, err := cmdutil.FindService(st, "", b.Name); err == nil {
			optional = append(optional, b.Workload)
		}
	}
	subscribed = cmdutil.Without(subscribed, optional)
	var all []*controlpb.AppliedObject
	for _, name := range subscribed {
		unset, err := setIn(ctx, shop, name)
		if err != nil {
			return err
		}
		if len(unset) == 0 {
			continue
		}
		edited, err := shop.Edit(ctx, &controlpb.EditRequest{
			Services: []string{name}, Operation: &controlpb.EditRequest_SetEnv{SetEnv: &controlpb.SetEnv{Unset: unset}},
		})
		if err != nil {
			return err
		}
		all = append(all, edited.GetObjects()...)
	}
	if len(optional) > 0 { // the events stay
		gone, err := edit.DeleteWorkloads(ctx, shop, optional)
		if err != nil {
			return err
		}
		all = append(all, gone...)
	}
	if err := edit.PrintApplied(o.ios, o.format, all, "unsubscribed", edit.DryRunNone); err != nil {
		return err
	}
	return o.wait.Rollout(ctx, o.ios, shop, slices.DeleteFunc(all, edit.Deleted))
}

// setIn are the variables of a service's Deployment that subscribing has set.
func setIn(ctx context.Context, shop *control.Client, name string) ([]string, error) {
	b, _ := services.Lookup(name)
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindDeployment})
	if err != nil {
		return nil, err
	}
	var set []string
	for _, o := range resp.GetObjects() {
		if o.GetName() != b.Workload {
			continue
		}
		typed, err := edit.TypedObject(o)
		if err != nil {
			return nil, err
		}
		for _, key := range []string{urlVar, confirmVar} {
			if variable(typed, key) != "" {
				set = append(set, key)
			}
		}
	}
	return set, nil
}
