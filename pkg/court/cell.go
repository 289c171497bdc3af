package court

import (
	"fmt"
	"slices"
)

// Step is a call of an order, as the called services see it.
type Step string

// The steps. Refund includes the void of a key: either returns the money.
const (
	ReadCart Step = "read cart"
	Charge   Step = "charge"
	Ship     Step = "ship"
	Empty    Step = "empty cart"
	Confirm  Step = "confirm"
	Cancel   Step = "cancel shipment"
	Refund   Step = "refund"
	// Answer is the response to the customer.
	Answer Step = "answer"
)

// When is a point of a step.
type When string

// Points of a step. Before and the commits are inside of the checkout: only one that is built on the chassis has them.
const (
	Before  When = "before"        // the request is not sent yet
	Arrived When = "arrived"       // the request has arrived, and has no effect yet
	Done    When = "done"          // it has its effect, and the response is on its way
	After   When = "after"         // the response was delivered: the next thing that happens is held
	PreTx   When = "before commit" // of the checkout's journal
	PostTx  When = "after commit"  // of the checkout's journal
)

// Column is how the request of a step is delivered.
type Column string

// The columns.
const (
	Once  Column = "once"
	Twice Column = "twice"      // and the customer repeats the call with its key until there is an answer
	Late  Column = "late"       // a copy arrives when all else is over
	Lost  Column = "reply lost" // the first response of the step that would be delivered is lost
)

// Columns are all of them.
func Columns() []Column { return []Column{Once, Twice, Late, Lost} }

// Row is who is killed, and at which point of an order.
type Row struct {
	// Victim is the service that is killed: "checkout"; empty: none is.
	Victim string
	Step   Step
	When   When
	// Unshipped is whether shipping loses its responses until the kill, so that the order is taken back.
	Unshipped bool
	// commit is the checkout's name of the transaction, for PreTx and PostTx.
	commit string
}

// String is such as "checkout killed, charge done".
func (r Row) String() string {
	name := fmt.Sprintf("%s %s", r.Label(), r.When)
	if r.When == "" {
		name = r.Label()
	}
	if r.Victim == "" {
		return name
	}
	return r.Victim + " killed, " + name
}

// Label is the step, or the transaction of the checkout's journal.
func (r Row) Label() string {
	if r.commit == "" {
		return string(r.Step)
	}
	label := "journal: " + r.commit
	if r.Unshipped {
		label += ", taken back"
	}
	return label
}

// inside reports whether the row needs a point inside of the checkout.
func (r Row) inside() bool { return r.When == Before || r.commit != "" }

// point is the name of a point inside of the checkout.
func (r Row) point() string {
	switch r.When {
	case Before:
		return "before " + string(r.Step)
	case PreTx, PostTx:
		return string(r.When) + " of " + r.commit
	}
	return ""
}

// Rows are all rows that a checkout can be tried by: without points inside of it, if it has none.
func Rows(checkout string, inside bool) (all []Row) {
	forward, back := []Step{Charge, Ship, Empty, Confirm}, []Step{Cancel, Refund}
	for _, step := range forward {
		all = append(all, Row{Step: step})
	}
	for _, step := range back {
		all = append(all, Row{Step: step, Unshipped: true})
	}
	all = append(all, Row{Victim: checkout, Step: ReadCart, When: Done})
	all = append(all, commits(checkout, Charge, "reserve", false)...)
	for _, step := range forward {
		all = append(all, killed(checkout, step, false, Before, Arrived, Done, After)...)
	}
	all = append(all, commits(checkout, Confirm, "save", false)...)
	all = append(all, Row{Victim: checkout, Step: Answer, When: After})
	all = append(all, commits(checkout, Cancel, "keep", true)...)
	for _, step := range back {
		all = append(all, killed(checkout, step, true, Before, Arrived, Done, After)...)
	}
	all = append(all, commits(checkout, Refund, "save", true)...)
	for _, callee := range []struct {
		name  string
		steps []Step
	}{{"payment", []Step{Charge, Refund}}, {"shipping", []Step{Ship, Cancel}}, {"cart", []Step{Empty}}, {"email", []Step{Confirm}}} {
		for _, step := range callee.steps {
			all = append(all, killed(callee.name, step, slices.Contains(back, step), Arrived, Done, After)...)
		}
	}
	if !inside {
		all = slices.DeleteFunc(all, Row.inside)
	}
	return all
}

// Victims are the services that rows kill.
func Victims(checkout string) []string {
	return []string{checkout, "payment", "shipping", "cart", "email"}
}

func killed(victim string, step Step, unshipped bool, points ...When) (rows []Row) {
	for _, when := range points {
		rows = append(rows, Row{Victim: victim, Step: step, When: when, Unshipped: unshipped})
	}
	return rows
}

func commits(checkout string, step Step, name string, unshipped bool) []Row {
	return []Row{
		{Victim: checkout, Step: step, When: PreTx, commit: name, Unshipped: unshipped},
		{Victim: checkout, Step: step, When: PostTx, commit: name, Unshipped: unshipped},
	}
}

// Tried reports whether a row has a cell in a column: an order that nothing happens to says nothing.
func (r Row) Tried(c Column) bool { return r.Victim != "" || c != Once }
