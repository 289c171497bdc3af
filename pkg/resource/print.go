package resource

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/humanize"
)

// none is shown in place of an empty value, as in kubectl's tables.
const none = "<none>"

// Column is one column of a table of objects.
type Column struct {
	// Header in capitals: "CLUSTER-IP".
	Header string
	cell   func(o Object, now time.Time) string
}

// Cell is the text of an object in the column.
func (c Column) Cell(o Object, now time.Time) string { return c.cell(o, now) }

// column is a Column of a kind, for the Go type of its objects. The first column NAME is added to each kind; AGE is
// where ageColumn is, or else the last.
type column[T Object] struct {
	header string
	cell   func(T) string
}

// ageHeader marks the place of the age among the columns of a kind.
const ageHeader = "AGE"

func ageColumn[T Object]() column[T] { return column[T]{header: ageHeader} }

func columnsOf[T Object](typed []column[T]) []Column {
	columns := []Column{{"NAME", func(o Object, _ time.Time) string { return o.GetName() }}}
	if !slices.ContainsFunc(typed, func(c column[T]) bool { return c.header == ageHeader }) {
		typed = append(slices.Clone(typed), ageColumn[T]())
	}
	for _, c := range typed {
		if c.header == ageHeader {
			columns = append(columns, Column{ageHeader, age})
			continue
		}
		columns = append(columns, Column{c.header, func(o Object, _ time.Time) string { return c.cell(o.(T)) }})
	}
	return columns
}

func age(o Object, now time.Time) string {
	created := o.GetCreationTimestamp()
	if created.IsZero() {
		return "<unknown>"
	}
	return humanize.Age(now.Sub(created.Time))
}

// Columns are those that kubectl has for the kind.
func (k Kind) Columns() []Column { return slices.Clone(k.columns) }

// Summary is the state of an object, or its content, in a few words: "2/3 ready", "7070/TCP", "4 keys". It holds no
// value of a Secret.
func Summary(o Object) string {
	k, err := KindOf(o)
	if err != nil || k.summary == nil {
		return ""
	}
	return k.summary(o)
}

// Printer prints descriptions. The caller decides what tables and states look like.
type Printer interface {
	io.Writer
	// Table prints rows in aligned columns.
	Table(header []string, rows [][]string)
	// State returns the state of a service or an instance as it is printed.
	State(state string) string
}

// Live is the running state of an object, supplied by the caller.
type Live struct {
	State, Message string
	// Address at which clients on this machine reach it; empty if there is none.
	Address   string
	Instances []LiveInstance
	// Faults that are active in it, as phrases.
	Faults []string
}

// LiveInstance is one running instance.
type LiveInstance struct {
	Name, State, Version, Address string
	PID, Restarts                 int32
}

// Describe prints everything about an object: its metadata, its settings and what runs for it. live is nil if nothing
// does.
func (k Kind) Describe(p Printer, o Object, live *Live, now time.Time) {
	printField(p, "Name", o.GetName())
	if k.Namespaced {
		printField(p, "Namespace", o.GetNamespace())
	}
	if t := o.GetCreationTimestamp(); !t.IsZero() {
		printField(p, "Created", t.UTC().Format("2006-01-02 15:04:05 UTC")+" ("+age(o, now)+" ago)")
	}
	printMap(p, "Labels", o.GetLabels())
	annotations := maps.Clone(o.GetAnnotations())
	delete(annotations, corev1.LastAppliedConfigAnnotation) // a second copy of the object; kubectl hides it too
	printMap(p, "Annotations", annotations)
	if k.describe != nil {
		k.describe(p, o, live)
	}
}

func printField(w io.Writer, name, value string) { fmt.Fprintf(w, "%-16s %s\n", name+":", value) }

func printMap(w io.Writer, name string, m map[string]string) {
	keys := slices.Sorted(maps.Keys(m))
	if len(keys) == 0 {
		printField(w, name, none)
		return
	}
	for i, k := range keys {
		if i > 0 {
			fmt.Fprintf(w, "%-16s %s=%s\n", "", k, m[k])
			continue
		}
		printField(w, name, k+"="+m[k])
	}
}

// pairs is "a=1,b=2", or "<none>".
func pairs(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	if len(out) == 0 {
		return none
	}
	return strings.Join(out, ",")
}

// orDash is text, or "-" in place of nothing.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
