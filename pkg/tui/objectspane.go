package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource"
)

// objectsPane lists the objects that the shop is described by, and shows one of them as a manifest.
type objectsPane struct {
	w      *world
	list   []object
	asked  bool
	fail   string
	at     resource.Key // the chosen one
	scroll scroll
	filter string
	open   *manifest // nil: the list
}

// newObjects returns the list of objects.
func newObjects(w *world) *objectsPane { return &objectsPane{w: w} }

// manifest is one object that is open.
type manifest struct {
	key    resource.Key
	lines  []string
	fail   string
	scroll scroll
	// field is the path of a field to point at, empty if none; pointed tells that it was brought into view.
	field   string
	pointed bool
}

func (p *objectsPane) sight() sight {
	s := sight{topic: topicObjects}
	if p.open != nil {
		s.object = p.open.key
	}
	return s
}

func (p *objectsPane) take(s *seen) {
	if p.open != nil {
		p.open.lines, p.open.fail = s.manifest, s.fail
		return
	}
	p.fail, p.asked = s.fail, true
	if s.fail == "" {
		p.list = s.objects
	}
}

func (p *objectsPane) forget() { p.fail = "" }

// Open shows an object, at a field of it if one is named.
func (p *objectsPane) Open(key resource.Key, field string) {
	if k, err := resource.LookupKind(key.Kind); err == nil {
		key.Kind = k.Name
	}
	p.open = &manifest{key: key, field: field}
}

// In opens the chosen object.
func (p *objectsPane) In() {
	if o, ok := p.chosen(); ok && p.open == nil {
		p.at = o.Key
		p.Open(o.Key, "")
	}
}

// Out goes back to the list; false from there.
func (p *objectsPane) Out() bool {
	out := p.open != nil
	p.open = nil
	return out
}

// IsOpen reports whether one object is shown in place of the list.
func (p *objectsPane) IsOpen() bool { return p.open != nil }

// Empty reports whether there is no object to act on.
func (p *objectsPane) Empty() bool {
	_, ok := p.chosen()
	return !ok
}

// Depth is 0 in the list and 1 in an object.
func (p *objectsPane) Depth() int {
	if p.open != nil {
		return 1
	}
	return 0
}

// rows are the objects that the filter leaves.
func (p *objectsPane) rows() []object {
	if p.filter == "" {
		return p.list
	}
	words := strings.Fields(p.filter)
	var rows []object
	for _, o := range p.list {
		text := o.Kind + "/" + o.Name + " " + o.Namespace + " " + o.summary
		if !slices.ContainsFunc(words, func(word string) bool { return !matches(text, word) }) {
			rows = append(rows, o)
		}
	}
	return rows
}

func (p *objectsPane) index(rows []object) int {
	return max(0, slices.IndexFunc(rows, func(o object) bool { return o.Key == p.at }))
}

// chosen is the object that keys act on: the one that is open, or the one at the mark.
func (p *objectsPane) chosen() (object, bool) {
	if p.open != nil {
		return object{Key: p.open.key}, true
	}
	rows := p.rows()
	if len(rows) == 0 {
		return object{}, false
	}
	return rows[p.index(rows)], true
}

// Command is the command line that prints the chosen object, empty if there is none.
func (p *objectsPane) Command() string {
	o, ok := p.chosen()
	if !ok {
		return ""
	}
	line := "get " + strings.ToLower(o.Kind) + " " + o.Name
	if o.Namespace != "" && o.Namespace != p.w.status.GetNamespace() {
		line += " -n " + o.Namespace
	}
	return line + " -o yaml"
}

// Scroll moves the choice, or the text of an object.
func (p *objectsPane) Scroll(lines int) {
	if p.open != nil {
		p.open.scroll.by(lines, false)
		return
	}
	if rows := p.rows(); len(rows) > 0 {
		p.at = rows[min(max(p.index(rows)+lines, 0), len(rows)-1)].Key
	}
}

// Filter returns the list's filter; an object has none.
func (p *objectsPane) Filter() *string {
	if p.open != nil {
		return nil
	}
	return &p.filter
}

// Position says which part is in view.
func (p *objectsPane) Position() string {
	if p.open != nil {
		return p.open.scroll.place()
	}
	return p.scroll.place()
}

// Render draws the list, or the object that is open.
func (p *objectsPane) Render(width, height int) string {
	w := p.w
	rows := p.rows()
	say := func(t tone, text string) string { return strings.Join(t.each(wrap(text, width)), "\n") }
	switch {
	case w.status == nil:
		return waiting(w, width)
	case p.open != nil:
		return p.drawManifest(width, height)
	case p.fail != "":
		return say(w.warn, p.fail)
	case !p.asked:
		return say(w.faint, "asking for the objects")
	case len(rows) == 0 && p.filter != "":
		return say(w.faint, "nothing matches "+p.filter)
	case len(rows) == 0:
		return say(w.faint, "the shop has no objects")
	}
	g := NewGrid(p.columns(rows), width-2)
	lines := []string{w.faint.paint(w.fit("  "+g.Header(w.theme), width))}
	at := p.index(rows)
	p.scroll.height = max(height-1, 1)
	p.scroll.reveal(at, at+1)
	from, to := p.scroll.window(len(rows), height-1)
	for i := from; i < to; i++ {
		line := g.Row(w.theme, rows[i])
		if i == at {
			lines = append(lines, w.highlight(w.fit(w.mark+" "+line, width)))
			continue
		}
		lines = append(lines, w.cut("  "+line, width))
	}
	return strings.Join(lines, "\n")
}

// maxObjectColumn is the width up to which a column of the list is as wide as its values.
const maxObjectColumn = 40

// columns are the columns of the list, as wide as the rows need.
func (p *objectsPane) columns(rows []object) []Column[object] {
	w := p.w
	column := func(title string, rank int, value func(object) string, tone tone) Column[object] {
		c := Column[object]{Title: title, Width: width(title), Rank: rank, Cell: func(o object, _ int) string { return tone.paint(clean(value(o))) }}
		for _, o := range rows {
			c.Width = max(c.Width, width(clean(value(o))))
		}
		c.Width = min(c.Width, maxObjectColumn)
		return c
	}
	age := func(o object) string {
		if o.created.IsZero() {
			return w.dash
		}
		return humanize.Age(w.now().Sub(o.created))
	}
	all := []Column[object]{
		column("KIND", 1, func(o object) string { return o.Kind }, w.info),
		column("NAME", 0, func(o object) string { return o.Name }, tone{}),
		column("STATUS", 2, func(o object) string { return o.summary }, tone{}),
		column("AGE", 3, age, tone{}),
		column("NAMESPACE", 4, func(o object) string { return o.Namespace }, w.faint),
	}
	all[3].Width = max(all[3].Width, 7)
	return all
}

func (p *objectsPane) drawManifest(width, height int) string {
	w, o := p.w, p.open
	head := w.commandLines(p.Command(), width)
	if o.key.Kind == resource.KindSecret {
		head = append(head, w.cut(w.faint.paint("values are hidden here; the command prints them"), width))
	}
	switch {
	case o.fail != "":
		return strings.Join(append(head, w.warn.each(wrap(o.fail, width))...), "\n")
	case o.lines == nil:
		return strings.Join(append(head, w.faint.paint("asking for the object")), "\n")
	}
	room := max(height-len(head), 1)
	at := -1
	if o.field != "" {
		at = fieldLine(o.lines, o.field)
	}
	if at >= 0 && !o.pointed {
		o.pointed = true
		o.scroll.top = at - room/3
	}
	from, to := o.scroll.window(len(o.lines), room)
	for i := from; i < to; i++ {
		if i == at {
			head = append(head, w.highlight(w.fit(w.mark+" "+yamlLine(w.theme, o.lines[i]), width)))
			continue
		}
		head = append(head, w.cut("  "+yamlLine(w.theme, o.lines[i]), width))
	}
	return strings.Join(head, "\n")
}

// About is the object that is open, for the title.
func (p *objectsPane) About() string {
	if p.open == nil {
		return ""
	}
	return fmt.Sprintf("%s/%s", strings.ToLower(p.open.key.Kind), clean(p.open.key.Name))
}

// yaml paints the key of a line.
func yamlLine(t *theme, line string) string {
	key, rest, ok := strings.Cut(line, ":")
	if !ok || rest != "" && rest[0] != ' ' || strings.ContainsAny(key, `'"{`) {
		return line
	}
	return t.info.paint(key) + ":" + rest
}
