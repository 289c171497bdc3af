package mesh

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

type statusOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	now     func() time.Time
	format  string
}

func newStatusCmd(f *cmdutil.Factory) *cobra.Command {
	o := &statusOptions{ios: f.IO, connect: f.Shop, now: f.Now}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "List the sidecars and whether each has the newest configuration",
		Long: `List the sidecars. A sidecar is synced when it has acknowledged the newest configuration, stale while that is on its
way, rejected if it refused it (the message says why; it keeps the one before), and disconnected if it has lost the
control plane. The certificate is the one that it shows to others. Exits with 1 if a sidecar is not synced.`,
		Example: "shopctl mesh status\nshopctl mesh status -o json | jq '.sidecars[] | select(.state != \"synced\")'",
		Args:    cmdutil.Exactly(0, ""),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return exits(cmd)
}

type sidecarView struct {
	Service   string `json:"service"`
	Instance  string `json:"instance"`
	Node      string `json:"node"`
	State     string `json:"state"`
	Message   string `json:"message,omitempty"`
	Version   string `json:"version"`
	Wanted    string `json:"wanted"`
	Since     string `json:"since"`
	Identity  string `json:"identity"`
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
}

type statusView struct {
	Mode     string        `json:"mode"`
	Sidecars []sidecarView `json:"sidecars"`
}

// Names are the instances.
func (v statusView) Names() []string {
	var names []string
	for _, s := range v.Sidecars {
		names = append(names, s.Instance)
	}
	return names
}

// synced is the state of a sidecar that has the newest configuration.
const synced = "synced"

func (o *statusOptions) run(ctx context.Context) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.MeshStatus(ctx, &controlpb.MeshStatusRequest{})
	if err != nil {
		return err
	}
	view := statusView{Mode: resp.GetMode(), Sidecars: []sidecarView{}}
	behind := false
	for _, s := range resp.GetSidecars() {
		view.Sidecars = append(view.Sidecars, sidecarView{
			s.GetService(), s.GetInstance(), s.GetNode(), s.GetState(), s.GetMessage(), s.GetVersion(), s.GetWanted(), cmdutil.RFC3339(s.GetSince()),
			s.GetIdentity(), cmdutil.RFC3339(s.GetNotBefore()), cmdutil.RFC3339(s.GetNotAfter()),
		})
		behind = behind || s.GetState() != synced
	}
	if err := o.ios.Print(o.format, view, func(w io.Writer) { o.table(w, resp.GetSidecars()) }); err != nil {
		return err
	}
	if len(view.Sidecars) == 0 {
		o.ios.Notef("no sidecar runs")
		o.ios.Next("mesh --help")
	}
	if behind {
		return cmdutil.ExitErr(cmdutil.ExitFailed)
	}
	return nil
}

func (o *statusOptions) table(w io.Writer, sidecars []*controlpb.Sidecar) {
	if len(sidecars) == 0 {
		return
	}
	t := iostreams.NewTable("SERVICE", "INSTANCE", "STATE", "VERSION", "AGE", "CERTIFICATE", "MESSAGE")
	for _, s := range sidecars {
		tone := iostreams.ToneGood
		switch s.GetState() {
		case synced:
		case "stale":
			tone = iostreams.ToneWarn
		default:
			tone = iostreams.ToneBad
		}
		age := "-"
		if s.GetSince() != nil {
			age = cmdutil.Age(o.now(), s.GetSince().AsTime())
		}
		t.Row(s.GetService(), s.GetInstance(), o.ios.Paint(tone, s.GetState()), iostreams.OrDash(s.GetVersion()), age, o.certificate(s), s.GetMessage())
	}
	t.Write(w)
}

// certificate is for how long the certificate of a sidecar is still good.
func (o *statusOptions) certificate(s *controlpb.Sidecar) string {
	if s.GetNotAfter() == nil {
		return o.ios.Paint(iostreams.ToneWarn, "none")
	}
	left := s.GetNotAfter().AsTime().Sub(o.now())
	if left <= 0 {
		return o.ios.Paint(iostreams.ToneBad, "expired")
	}
	return "valid for " + left.Round(time.Minute).String()
}
