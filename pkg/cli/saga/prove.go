package saga

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/court"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// none names the rows without a kill.
const none = "none"

// busy is how many requests a second at the storefront are load.
const busy = 0.1

type proveOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	service string
	matrix  bool
	within  time.Duration
	killed  []string
	format  string
}

func newProveCmd(f *cmdutil.Factory) *cobra.Command {
	o := &proveOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "Kill services at each point of an order, and hold what they recorded against each other",
		Long: `Kill services at each point of an order, and hold what they recorded against each other.

Each cell of the matrix is one order of the running shop. Its row says who is killed with SIGKILL at which point:
before, during and after each step, and before and after each commit of checkout's journal. Its column says how the
request of that step is delivered: once, twice (and the customer calls again with the same key), late (a copy
arrives when all else is over), or with its response lost. Without --matrix, rows with a kill have the first column
only.

The verdict is read from the records of payment, shipping and email and from the cart, not from what checkout says:
what is charged and not refunded is what was ordered; an order that is paid has one parcel and one mail and has left
the cart, another has neither; and each order has ended. A cell that has not reached its point proves nothing: it is
marked with a dash. The exit code is 1 if an invariant does not hold.

The program on trial can be any that serves hipstershop.CheckoutService: its requests are held, doubled and lost in the
services that it calls. Points inside of it, such as its commits, are tried only if it is the built-in checkout.

Services are killed in the running shop. Its other customers notice that, as they do of every crash.`,
		Example: "shopctl saga prove\nshopctl saga prove --matrix -o json\nshopctl saga prove --service mycheckout --verbose",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.service, "service", "checkout", "`NAME` of the service on trial")
	cmd.Flags().BoolVar(&o.matrix, "matrix", false, "try all four columns in each row")
	cmd.Flags().DurationVar(&o.within, "within", 30*time.Second, "how long an order may take to end after the kill")
	cmd.Flags().StringSliceVar(&o.killed, "killed", nil, "only rows in which these `SERVICES` are killed; none: rows without a kill")
	cmdutil.LimitTime(cmd, "within", time.Second, "30s")
	cmdutil.AddOutput(cmd, &o.format, iostreams.FormatTable, iostreams.FormatJSON)
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("service", cmdutil.CompleteServices(f)))
	cmdutil.CompleteWords(cmd, "killed", append([]string{none}, court.Victims("checkout")...)...)
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("within", cobra.NoFileCompletions))
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

func (o *proveOptions) run(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return err
	}
	service, err := cmdutil.FindService(st, "", o.service)
	if err != nil {
		return err
	}
	if err := o.checkKilled(service.GetName()); err != nil {
		return err
	}
	o.warn(st)
	columns := []court.Column{court.Once}
	if o.matrix {
		columns = court.Columns()
	}
	verdict, err := court.Try(ctx, court.Config{
		Shop: shop, Checkout: service.GetName(), Columns: columns, Only: o.only, Within: o.within,
		Progress: func(text string, tried, all int) { o.ios.Notef("%d of %d orders tried; %s", tried, all, text) },
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("status"), fmt.Errorf("no verdict: %w", err))
	}
	if err := o.ios.Print(o.format, viewOf(service.GetName(), verdict), func(w io.Writer) { o.draw(w, service.GetName(), verdict) }); err != nil {
		return err
	}
	if wrong, _ := verdict.Wrong(); wrong > 0 {
		return cmdutil.ExitErr(cmdutil.ExitFailed)
	}
	return nil
}

// checkKilled refuses services that no row kills.
func (o *proveOptions) checkKilled(checkout string) error {
	known := append([]string{none}, court.Victims(checkout)...)
	for _, name := range o.killed {
		if !slices.Contains(known, name) {
			return cmdutil.UsageErr(o.ios.Command("saga prove --killed payment"), "no row kills %q: use %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// only reports whether a row is tried.
func (o *proveOptions) only(row court.Row) bool {
	name := row.Victim
	if name == "" {
		name = none
	}
	return len(o.killed) == 0 || slices.Contains(o.killed, name)
}

// warn says what else affects the orders on trial, and whom the trial affects.
func (o *proveOptions) warn(st *controlpb.StatusResponse) {
	for _, f := range st.GetFaults() {
		o.ios.Warnf("%s has a fault that affects the trial: %s", f.GetService(), f.GetPhrase())
	}
	for _, s := range st.GetServices() {
		if s.GetName() == "frontend" && s.GetStats().GetRequestsPerSecond() > busy {
			o.ios.Notef("the shop is under load, %.0f requests a second: these customers meet the kills as well", s.GetStats().GetRequestsPerSecond())
		}
	}
}
