package saga

import (
	"fmt"
	"io"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/court"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/shellword"
)

// Results of a cell.
const (
	resultOK         = "ok"
	resultWrong      = "wrong"
	resultNotReached = "not reached"
)

type cellView struct {
	Killed    string   `json:"killed"`
	Step      string   `json:"step"`
	When      string   `json:"when"`
	Column    string   `json:"column"`
	Result    string   `json:"result"`
	Wrong     string   `json:"wrong"`
	Order     string   `json:"order_id"`
	Trace     string   `json:"trace_id"`
	State     string   `json:"state"`
	Answer    string   `json:"answer"`
	Charged   []string `json:"charged"`
	Refunds   int      `json:"refunds"`
	Parcels   int      `json:"parcels"`
	Mails     int      `json:"mails"`
	StillCart bool     `json:"still_in_cart"`
}

type verdictView struct {
	Service    string     `json:"service"`
	Amount     string     `json:"amount"`
	Orders     int        `json:"orders"`
	Wrong      int        `json:"wrong"`
	NotReached int        `json:"not_reached"`
	Seconds    float64    `json:"seconds"`
	Inside     bool       `json:"points_inside"`
	Cells      []cellView `json:"cells"`
}

func viewOf(service string, v *court.Verdict) verdictView {
	wrong, missed := v.Wrong()
	view := verdictView{
		Service: service, Amount: v.Amount, Orders: len(v.Cells), Wrong: wrong, NotReached: missed, Seconds: v.Took.Seconds(), Inside: v.Inside, Cells: []cellView{},
	}
	for _, c := range v.Cells {
		view.Cells = append(view.Cells, cellView{
			Killed: c.Row.Victim, Step: c.Row.Label(), When: string(c.Row.When), Column: string(c.Column), Result: resultOf(c), Wrong: c.Wrong,
			Order: c.Facts.Order, Trace: c.Trace, State: c.Facts.State, Answer: c.Answer, Charged: cmdutil.NotNil(c.Facts.Charged),
			Refunds: c.Facts.Refunded, Parcels: c.Facts.Parcels, Mails: c.Facts.Mails, StillCart: c.Facts.InCart,
		})
	}
	return view
}

func resultOf(c court.Cell) string {
	switch {
	case c.Wrong != "":
		return resultWrong
	case !c.Reached:
		return resultNotReached
	}
	return resultOK
}

// draw writes the matrix, then the cells that are wrong; with --verbose, all of them.
func (o *proveOptions) draw(w io.Writer, service string, v *court.Verdict) {
	columns := court.Columns()
	header := []string{"KILLED", "STEP", "WHEN"}
	for _, c := range columns {
		header = append(header, strings.ToUpper(string(c)))
	}
	t := iostreams.NewTable(header...)
	for _, row := range rowsOf(v) {
		cells := []string{iostreams.OrDash(row.Victim), row.Label(), string(row.When)}
		for _, column := range columns {
			cells = append(cells, o.mark(v, row, column))
		}
		t.Row(cells...)
	}
	t.Write(w)
	o.list(w, v)
	wrong, missed := v.Wrong()
	fmt.Fprintf(w, "\n%d orders of %s each in %s: ", len(v.Cells), v.Amount, humanize.Duration(v.Took))
	if wrong == 0 {
		fmt.Fprint(w, o.ios.Paint(iostreams.ToneGood, "charges, parcels and mails agree"))
	} else {
		fmt.Fprint(w, o.ios.Paint(iostreams.ToneBad, fmt.Sprintf("%d wrong", wrong)))
	}
	if missed > 0 {
		fmt.Fprintf(w, "; %d did not reach their point", missed)
	}
	fmt.Fprintln(w)
	if !v.Inside {
		o.ios.Notef("%s has no points inside that are known here: its own commits were not tried", service)
	}
	if v.Silent {
		o.ios.Notef("%s does not serve shopctl.shop.v1.Orders: an order has ended when nothing more is heard of it", service)
	}
}

func rowsOf(v *court.Verdict) (rows []court.Row) {
	seen := map[court.Row]bool{}
	for _, c := range v.Cells {
		if !seen[c.Row] {
			seen[c.Row] = true
			rows = append(rows, c.Row)
		}
	}
	return rows
}

// mark is a cell of the matrix; empty for one that was not tried.
func (o *proveOptions) mark(v *court.Verdict, row court.Row, column court.Column) string {
	for _, c := range v.Cells {
		if c.Row != row || c.Column != column {
			continue
		}
		switch resultOf(c) {
		case resultWrong:
			return o.ios.Paint(iostreams.ToneBad, "WRONG")
		case resultNotReached:
			return o.ios.Paint(iostreams.ToneFaint, "-")
		}
		return o.ios.Paint(iostreams.ToneGood, "ok")
	}
	return ""
}

// list names the orders and traces of cells.
func (o *proveOptions) list(w io.Writer, v *court.Verdict) {
	t := iostreams.NewTable("CELL", "ORDER", "TRACE", "RESULT")
	first := ""
	for _, c := range v.Cells {
		if c.Wrong == "" && !o.ios.Verbose {
			continue
		}
		result := c.Wrong
		if result == "" {
			result = resultOf(c)
			if c.Facts.State != "" {
				result += ", " + c.Facts.State
			}
		} else if first == "" {
			first = c.Trace
			if c.Facts.Order != "" {
				o.ios.Next("trace show "+c.Trace, "order show "+shellword.Quote(c.Facts.Order))
			}
		}
		t.Row(c.Row.String()+", "+string(c.Column), iostreams.OrDash(c.Facts.Order), c.Trace, result)
	}
	if first != "" || o.ios.Verbose {
		fmt.Fprintln(w)
		t.Write(w)
	}
}
