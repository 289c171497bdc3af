package shop

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

type mailView struct {
	ID      string `json:"id"`
	Time    string `json:"time"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	OrderID string `json:"order_id"`
	Text    string `json:"text"`
}

type mailsView struct {
	Mails []mailView `json:"mails"`
}

func (v mailsView) Names() []string {
	names := make([]string, len(v.Mails))
	for i, m := range v.Mails {
		names[i] = m.ID
	}
	return names
}

type mailOptions struct {
	ios     *iostreams.IO
	connect cmdutil.Connect
	format  string
	limit   int32
	text    bool
}

func NewMailCmd(f *cmdutil.Factory) *cobra.Command {
	o := &mailOptions{ios: f.IO, connect: f.Shop}
	cmd := &cobra.Command{
		Use:   "mail",
		Short: "Read the confirmation mails sent by the shop",
		Long:  "Read the confirmation mails that the email service wrote, newest first.\nThey are kept in its outbox, and also sent by SMTP if the service has an SMTP_ADDR.",
		Args:  cmdutil.Exactly(0, ""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().Int32Var(&o.limit, "limit", 20, "maximum `NUMBER` of mails")
	cmd.Flags().BoolVar(&o.text, "text", false, "print the text of each mail")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning)
}

func (o *mailOptions) run(ctx context.Context) error {
	if o.limit < 1 {
		return cmdutil.UsageErr("shopctl mail --limit 20", "read --limit %d: want a positive number", o.limit)
	}
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	addr, err := cmdutil.AddressOf(ctx, shop, "email")
	if err != nil {
		return err
	}
	view, err := readOutbox(ctx, addr, o.limit)
	if err != nil {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("logs email"), err)
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		if o.text {
			for _, m := range view.Mails {
				fmt.Fprintf(w, "%s\n%s\n%s\n\n%s\n\n", o.ios.Paint(iostreams.ToneBold, iostreams.OneLine(m.Subject)), m.Time, iostreams.OneLine(m.To), m.Text)
			}
			return
		}
		t := iostreams.NewTable("TIME", "TO", "ORDER", "SUBJECT")
		for _, m := range view.Mails {
			t.Row(m.Time, m.To, m.OrderID, m.Subject)
		}
		t.Write(w)
	})
}

func readOutbox(ctx context.Context, addr string, limit int32) (mailsView, error) {
	view := mailsView{Mails: []mailView{}}
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return view, fmt.Errorf("connect to email: %w", err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	resp, err := shopv1.NewOutboxClient(conn).ListMails(ctx, &shopv1.ListMailsRequest{Limit: limit})
	if err != nil {
		return view, fmt.Errorf("read outbox: %w", err)
	}
	for _, m := range resp.GetMails() {
		view.Mails = append(view.Mails, mailView{
			ID: m.GetId(), Time: m.GetTime(), To: m.GetTo(), Subject: m.GetSubject(), OrderID: m.GetOrderId(), Text: m.GetText(),
		})
	}
	return view, nil
}
