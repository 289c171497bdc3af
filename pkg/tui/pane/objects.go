package pane

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Objects lists the objects that describe the shop, and shows one of them as a manifest.
type Objects struct {
	state  *State
	list   []feed.Object
	asked  bool
	fail   string
	at     resource.Key // the selected one
	scroll style.Viewport
	filter string
	open   *manifest // nil: the list
}

// NewObjects returns the list of objects.
func NewObjects(state *State) *Objects { return &Objects{state: state} }

// manifest is one object that is open.
type manifest struct {
	key    resource.Key
	lines  []string
	fail   string
	scroll style.Viewport
	// field is the path of the field to mark, empty if there is none; pointed is true once it has been brought into
	// view.
	field   string
	pointed bool
}

func (p *Objects) Query() feed.Query {
	s := feed.Query{Topic: feed.TopicObjects}
	if p.open != nil {
		s.Object = p.open.key
	}
	return s
}

func (p *Objects) Apply(s *feed.Result) {
	if p.open != nil {
		p.open.lines, p.open.fail = s.Manifest, s.Failure
		return
	}
	p.fail, p.asked = s.Failure, true
	if s.Failure == "" {
		p.list = s.Objects
	}
}

func (p *Objects) Forget() { p.fail = "" }

// Open shows an object, and marks one of its fields if field is not empty.
func (p *Objects) Open(key resource.Key, field string) {
	if k, err := resource.LookupKind(key.Kind); err == nil {
		key.Kind = k.Name
	}
	p.open = &manifest{key: key, field: field}
}

// In opens the selected object.
func (p *Objects) In() {
	if o, ok := p.selected(); ok && p.open == nil {
		p.at = o.Key
		p.Open(o.Key, "")
	}
}

// Out goes back to the list; false from there.
func (p *Objects) Out() bool {
	out := p.open != nil
	p.open = nil
	return out
}

// IsOpen reports whether one object is shown in place of the list.
func (p *Objects) IsOpen() bool { return p.open != nil }

// Empty reports whether there is no object to act on.
func (p *Objects) Empty() bool {
	_, ok := p.selected()
	return !ok
}

// Depth is 0 in the list and 1 in an object.
func (p *Objects) Depth() int {
	if p.open != nil {
		return 1
	}
	return 0
}

// rows are the objects that match the filter.
func (p *Objects) rows() []feed.Object {
	if p.filter == "" {
		return p.list
	}
	words := strings.Fields(p.filter)
	var rows []feed.Object
	for _, o := range p.list {
		text := o.Kind + "/" + o.Name + " " + o.Namespace + " " + o.Summary
		if !slices.ContainsFunc(words, func(word string) bool { return !style.ContainsFold(text, word) }) {
			rows = append(rows, o)
		}
	}
	return rows
}

func (p *Objects) index(rows []feed.Object) int {
	return max(0, slices.IndexFunc(rows, func(o feed.Object) bool { return o.Key == p.at }))
}

// selected is the object that keys act on: the one that is open, or the one at the cursor.
func (p *Objects) selected() (feed.Object, bool) {
	if p.open != nil {
		return feed.Object{Key: p.open.key}, true
	}
	rows := p.rows()
	if len(rows) == 0 {
		return feed.Object{}, false
	}
	return rows[p.index(rows)], true
}

// Command is the command line that prints the selected object, empty if there is none.
func (p *Objects) Command() string {
	o, ok := p.selected()
	if !ok {
		return ""
	}
	line := "get " + strings.ToLower(o.Kind) + " " + o.Name
	if o.Namespace != "" && o.Namespace != p.state.Status.GetNamespace() {
		line += " -n " + o.Namespace
	}
	return line + " -o yaml"
}

// Scroll moves the cursor, or the text of an object.
func (p *Objects) Scroll(lines int) {
	if p.open != nil {
		p.open.scroll.ScrollBy(lines, false)
		return
	}
	if rows := p.rows(); len(rows) > 0 {
		p.at = rows[min(max(p.index(rows)+lines, 0), len(rows)-1)].Key
	}
}

// Filter returns the list's filter; an object has none.
func (p *Objects) Filter() *string {
	if p.open != nil {
		return nil
	}
	return &p.filter
}

// Position describes which part is in view.
func (p *Objects) Position() string {
	if p.open != nil {
		return p.open.scroll.Position()
	}
	return p.scroll.Position()
}

// Render draws the list, or the object that is open.
func (p *Objects) Render(width, height int) string {
	state := p.state
	rows := p.rows()
	say := func(t style.Tone, text string) string {
		return strings.Join(t.PaintLines(style.Wrap(text, width)), "\n")
	}
	switch {
	case state.Status == nil:
		return waiting(state, width)
	case p.open != nil:
		return p.drawManifest(width, height)
	case p.fail != "":
		return say(state.Warn, p.fail)
	case !p.asked:
		return say(state.Faint, "loading the objects")
	case len(rows) == 0 && p.filter != "":
		return say(state.Faint, "nothing matches "+p.filter)
	case len(rows) == 0:
		return say(state.Faint, "the shop has no objects")
	}
	g := style.NewGrid(p.columns(rows), width-2)
	lines := []string{state.Faint.Paint(state.Fit("  "+g.Header(state.Theme), width))}
	at := p.index(rows)
	p.scroll.Height = max(height-1, 1)
	p.scroll.Reveal(at, at+1)
	from, to := p.scroll.Window(len(rows), height-1)
	for i := from; i < to; i++ {
		line := g.Row(state.Theme, rows[i])
		if i == at {
			lines = append(lines, state.Highlight(state.Fit(state.Mark+" "+line, width)))
			continue
		}
		lines = append(lines, state.Truncate("  "+line, width))
	}
	return strings.Join(lines, "\n")
}

// maxObjectColumn is the width up to which a column of the list is as wide as its values.
const maxObjectColumn = 40

// columns are the columns of the list, as wide as the rows need.
func (p *Objects) columns(rows []feed.Object) []style.Column[feed.Object] {
	state := p.state
	column := func(title string, rank int, value func(feed.Object) string, tone style.Tone) style.Column[feed.Object] {
		c := style.Column[feed.Object]{Title: title, Width: style.Width(title), Rank: rank, Cell: func(o feed.Object, _ int) string { return tone.Paint(style.Clean(value(o))) }}
		for _, o := range rows {
			c.Width = max(c.Width, style.Width(style.Clean(value(o))))
		}
		c.Width = min(c.Width, maxObjectColumn)
		return c
	}
	age := func(o feed.Object) string {
		if o.Created.IsZero() {
			return state.Dash
		}
		return humanize.Age(state.Now().Sub(o.Created))
	}
	all := []style.Column[feed.Object]{
		column("KIND", 1, func(o feed.Object) string { return o.Kind }, state.Info),
		column("NAME", 0, func(o feed.Object) string { return o.Name }, style.Tone{}),
		column("STATUS", 2, func(o feed.Object) string { return o.Summary }, style.Tone{}),
		column("AGE", 3, age, style.Tone{}),
		column("NAMESPACE", 4, func(o feed.Object) string { return o.Namespace }, state.Faint),
	}
	all[3].Width = max(all[3].Width, 7)
	return all
}

func (p *Objects) drawManifest(width, height int) string {
	state, o := p.state, p.open
	head := state.commandLines(p.Command(), width)
	if o.key.Kind == resource.KindSecret {
		head = append(head, state.Truncate(state.Faint.Paint("values are hidden here; the command prints them"), width))
	}
	switch {
	case o.fail != "":
		return strings.Join(append(head, state.Warn.PaintLines(style.Wrap(o.fail, width))...), "\n")
	case o.lines == nil:
		return strings.Join(append(head, state.Faint.Paint("loading the object")), "\n")
	}
	room := max(height-len(head), 1)
	at := -1
	if o.field != "" {
		at = fieldLine(o.lines, o.field)
	}
	if at >= 0 && !o.pointed {
		o.pointed = true
		o.scroll.Top = at - room/3
	}
	from, to := o.scroll.Window(len(o.lines), room)
	for i := from; i < to; i++ {
		if i == at {
			head = append(head, state.Highlight(state.Fit(state.Mark+" "+yamlLine(state.Theme, o.lines[i]), width)))
			continue
		}
		head = append(head, state.Truncate("  "+yamlLine(state.Theme, o.lines[i]), width))
	}
	return strings.Join(head, "\n")
}

// About is the object that is open, for the title.
func (p *Objects) About() string {
	if p.open == nil {
		return ""
	}
	return fmt.Sprintf("%s/%s", strings.ToLower(p.open.key.Kind), style.Clean(p.open.key.Name))
}

// yamlLine paints the key of a line.
func yamlLine(t *style.Theme, line string) string {
	key, rest, ok := strings.Cut(line, ":")
	if !ok || rest != "" && rest[0] != ' ' || strings.ContainsAny(key, `'"{`) {
		return line
	}
	return t.Info.Paint(key) + ":" + rest
}
