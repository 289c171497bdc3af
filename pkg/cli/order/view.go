package order

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

type stepView struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Attempts int32   `json:"attempts"`
	Started  string  `json:"started"`
	Millis   float64 `json:"ms"`
	Failed   bool    `json:"failed"`
	Detail   string  `json:"detail"`
}

type orderView struct {
	ID          string     `json:"order_id"`
	State       string     `json:"state"`
	Total       string     `json:"total"`
	Transaction string     `json:"transaction_id"`
	Tracking    string     `json:"tracking_id"`
	Trace       string     `json:"trace_id"`
	Created     string     `json:"created"`
	Updated     string     `json:"updated"`
	Deadline    string     `json:"deadline"`
	NextAttempt string     `json:"next_attempt"`
	Owner       string     `json:"owner"`
	Steps       []stepView `json:"steps"`
	Left        []string   `json:"steps_left"`
}

func (v orderView) Names() []string { return []string{v.ID} }

func viewOf(o *shopv1.Order) orderView {
	v := orderView{
		ID: o.GetOrderId(), State: o.GetState().String(), Total: total(o), Transaction: o.GetTransactionId(), Tracking: o.GetTrackingId(), Trace: o.GetTraceId(),
		Created: cmdutil.RFC3339(o.GetCreated()), Updated: cmdutil.RFC3339(o.GetUpdated()), Deadline: cmdutil.RFC3339(o.GetDeadline()),
		NextAttempt: cmdutil.RFC3339(o.GetNextAttempt()), Owner: o.GetOwner(), Steps: []stepView{}, Left: cmdutil.NotNil(o.GetStepsLeft()),
	}
	for _, s := range o.GetSteps() {
		v.Steps = append(v.Steps, stepView{
			Name: s.GetName(), Kind: kind(s), Attempts: s.GetAttempts(), Started: cmdutil.RFC3339(s.GetStarted()), Millis: cmdutil.Millis(took(s)),
			Failed: s.GetFailed(), Detail: s.GetDetail(),
		})
	}
	return v
}

func total(o *shopv1.Order) string {
	if o.GetTotal() == nil {
		return ""
	}
	return money.Rounded(o.GetTotal())
}

func took(s *shopv1.Step) time.Duration { return s.GetEnded().AsTime().Sub(s.GetStarted().AsTime()) }

func kind(s *shopv1.Step) string {
	return strings.ToLower(strings.ReplaceAll(s.GetKind().String(), "_", " "))
}

// tone colors a state: green if all is done, red if an operator has to act.
func tone(state shopv1.OrderState) iostreams.Tone {
	switch state {
	case shopv1.OrderState_COMPLETED, shopv1.OrderState_PLACED:
		return iostreams.ToneGood
	case shopv1.OrderState_STUCK:
		return iostreams.ToneBad
	case shopv1.OrderState_FAILED:
		return iostreams.ToneFaint
	}
	return iostreams.ToneWarn
}

// meaning says what a state is to an operator.
func meaning(o *shopv1.Order) string {
	switch o.GetState() {
	case shopv1.OrderState_RUNNING:
		if o.GetOwner() == "" {
			return "interrupted: any replica of checkout finishes it, or takes it back"
		}
		return "under way"
	case shopv1.OrderState_IN_DOUBT:
		return "whether the card was charged is not known: the charge is voided unless the caller repeats the call"
	case shopv1.OrderState_COMPENSATING:
		return "being taken back"
	case shopv1.OrderState_PLACED:
		return "paid and shipped; the rest is repeated until it succeeds"
	case shopv1.OrderState_COMPLETED:
		return "paid, shipped and confirmed"
	case shopv1.OrderState_FAILED:
		return "not placed: nothing was charged, or it was taken back"
	case shopv1.OrderState_STUCK:
		return "its charge can be neither used nor refunded"
	}
	return ""
}

// draw writes an order and its steps.
func draw(ios *iostreams.IO, w io.Writer, o *shopv1.Order, now time.Time) {
	fmt.Fprintf(w, "order %s  %s\n", iostreams.OneLine(o.GetOrderId()), ios.Paint(tone(o.GetState()), o.GetState().String()))
	facts := []string{meaning(o)}
	for _, fact := range [][2]string{{"total ", total(o)}, {"transaction ", o.GetTransactionId()}, {"parcel ", o.GetTrackingId()}} {
		if fact[1] != "" {
			facts = append(facts, fact[0]+fact[1])
		}
	}
	fmt.Fprintln(w, iostreams.OneLine(strings.Join(facts, "; ")))
	if next := o.GetNextAttempt(); next != nil {
		fmt.Fprintf(w, "next attempt in %s\n", humanize.Duration(max(0, next.AsTime().Sub(now))))
	}
	fmt.Fprintln(w)
	t := iostreams.NewTable("STEP", "KIND", "RESULT", "TRIES", "AT", "TOOK", "DETAIL")
	for _, s := range o.GetSteps() {
		t.Row(stepRow(ios, o, s)...)
	}
	for _, name := range o.GetStepsLeft() {
		t.Row(name, "", ios.Paint(iostreams.ToneFaint, "to do"))
	}
	t.Write(w)
}

// stepRow is a step as a row; times count from the beginning of the order.
func stepRow(ios *iostreams.IO, o *shopv1.Order, s *shopv1.Step) []string {
	result := ios.Paint(iostreams.ToneGood, "done")
	if s.GetFailed() {
		result = ios.Paint(iostreams.ToneBad, "failed")
	}
	return []string{s.GetName(), kind(s), result, fmt.Sprint(s.GetAttempts()), after(o, s), humanize.Duration(took(s)), s.GetDetail()}
}

// after is when a step began, from the first one.
func after(o *shopv1.Order, s *shopv1.Step) string {
	if len(o.GetSteps()) == 0 {
		return ""
	}
	return "+" + humanize.Duration(s.GetStarted().AsTime().Sub(o.GetSteps()[0].GetStarted().AsTime()))
}
