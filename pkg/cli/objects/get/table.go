package get

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/resource"
)

// table writes objects of one kind in rows. Rows that are written later are as wide as those before.
type table struct {
	o       *options
	columns []find.Column
	// prefix: names have their kind in front.
	prefix bool
	rows   *iostreams.Table
}

func (o *options) newTable(kind find.Kind, prefix bool) *table {
	t := &table{o: o, prefix: prefix}
	for _, c := range kind.Columns() {
		if !c.Wide || o.output.wide() {
			t.columns = append(t.columns, c)
		}
	}
	var header []string
	if o.all {
		header = append(header, "NAMESPACE")
	}
	for _, c := range t.columns {
		header = append(header, c.Header)
	}
	for _, name := range o.labelColumns {
		header = append(header, strings.ToUpper(name[strings.LastIndex(name, "/")+1:]))
	}
	if o.showLabels {
		header = append(header, "LABELS")
	}
	if o.noHeaders {
		t.rows = iostreams.NewTable()
	} else {
		t.rows = iostreams.NewTable(header...)
	}
	return t
}

func (t *table) write(objects []resource.Object) error {
	for _, object := range objects {
		t.rows.Row(t.cells(object)...)
	}
	return t.rows.Flush(t.o.ios.Out)
}

func (t *table) cells(object resource.Object) []string {
	var cells []string
	if t.o.all {
		cells = append(cells, iostreams.OrDash(object.GetNamespace()))
	}
	for i, c := range t.columns {
		text := c.Cell(object, t.o.now())
		if i == 0 && t.prefix {
			text = edit.TypedRef(object)
		}
		cells = append(cells, text)
	}
	labels := object.GetLabels()
	for _, name := range t.o.labelColumns {
		cells = append(cells, labels[name])
	}
	if t.o.showLabels {
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			pairs = append(pairs, name+"="+labels[name])
		}
		cells = append(cells, cmp.Or(strings.Join(pairs, ","), "<none>"))
	}
	return cells
}
