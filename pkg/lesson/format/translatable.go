package format

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// words are the texts of a block for people, each with its path in the block's YAML: mappings by key, entries of a
// list by their id, or by their index if they have none.
//
//	options.float.reply    price-field.answer.wrong.0.say
//
// A translation has the same paths, so that one walk serves to translate, to find missing translations, and to notice
// a changed original.
type words struct {
	texts []word
	// accept are the lists of accepted answers, to which a translation adds.
	accept map[string]*[]string
}

type word struct {
	path string
	text *string
	// optional words need no translation: ms is ms everywhere.
	optional bool
}

func (w *words) add(path string, text *string) {
	if *text != "" {
		w.texts = append(w.texts, word{path: path, text: text})
	}
}

func (w *words) unit(path string, text *string) {
	if *text != "" {
		w.texts = append(w.texts, word{path: path + "unit", text: text, optional: true})
	}
}

func (w *words) accepts(path string, list *[]string) {
	if w.accept == nil {
		w.accept = map[string]*[]string{}
	}
	w.accept[path] = list
}

func (w *words) options(path string, options []Option) {
	for i := range options {
		o := &options[i]
		w.add(path+"options."+o.ID+".say", &o.Say)
		w.add(path+"options."+o.ID+".reply", &o.Reply)
	}
}

func (w *words) states(path string, states []When) {
	for i := range states {
		w.add(path+strconv.Itoa(i)+".say", &states[i].Say)
	}
}

func (w *words) checks(path string, checks []Check) {
	for i := range checks {
		c := &checks[i]
		at := path + c.ID + "."
		w.add(at+"title", &c.Title)
		if c.Answer != nil {
			w.answer(at+"answer.", c.Answer)
		}
		w.probe(at, c.Probe)
		w.states(at+"hint_when.", c.HintWhen)
		w.states(at+"broken_setup.", c.BrokenSetup)
		w.states(at+"also.", c.Also)
	}
}

func (w *words) probe(path string, p probe.Probe) {
	t, ok := p.(probe.Translatable)
	if !ok {
		return
	}
	for _, text := range t.Texts() {
		if *text.Text != "" {
			w.texts = append(w.texts, word{path: path + p.ProbeKind() + "." + text.Key, text: text.Text, optional: text.Optional})
		}
	}
}

func (w *words) answer(path string, a *Answer) {
	w.add(path+"question", &a.Question)
	w.unit(path, &a.Unit)
	w.options(path, a.Options)
	w.add(path+"right", &a.Right)
	for i := range a.Wrong {
		w.add(path+"wrong."+strconv.Itoa(i)+".say", &a.Wrong[i].Say)
	}
	w.add(path+"otherwise", &a.Otherwise)
	if a.Kind == TextAnswer {
		w.accepts(path+"accept", &a.Accept)
	}
}

func (w *words) observe(o *Observe) {
	w.add("question", &o.Question)
	w.unit("", &o.Unit)
	w.options("", o.Options)
	w.add("right", &o.Right)
	w.add("wrong", &o.Wrong)
	if o.Kind == TextAnswer {
		w.accepts("accept", &o.Accept)
	}
}

// wordsIn walks a block; setting a text changes the block.
func wordsIn(b *Block) *words {
	w := &words{}
	switch {
	case b.Predict != nil:
		w.add("question", &b.Predict.Question)
		w.options("", b.Predict.Options)
	case b.Observe != nil:
		w.observe(b.Observe)
	case b.Hints != nil:
		w.add("look", &b.Hints.Look)
		w.add("principle", &b.Hints.Principle)
		w.add("worked", &b.Hints.Worked)
		w.add("why", &b.Hints.Why)
	}
	w.checks("", b.Checks)
	for i := range b.Recall {
		q := &b.Recall[i]
		w.add(q.ID+".ask", &q.Ask)
		w.options(q.ID+".", q.Options)
		w.add(q.ID+".answer", &q.Answer)
		w.accepts(q.ID+".accept", &q.Accept)
	}
	return w
}

// wordsInFront walks the front matter.
func wordsInFront(f *Front) *words {
	w := &words{}
	w.add("title", &f.Title)
	w.add("summary", &f.Summary)
	w.checks("steady_state.", f.SteadyState)
	return w
}

// translated is the YAML of a translation, flat.
type translated map[string]translatedWord

type translatedWord struct {
	text string
	at   strictyaml.Position
}

// flatten reads the YAML of a translation into its paths.
func flatten(text string) (translated, error) {
	n, err := strictyaml.Parse(text)
	if err != nil || n == nil {
		return nil, err
	}
	out := translated{}
	return out, out.add("", n)
}

func (t translated) add(path string, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			switch key {
			case "id":
				continue // it names the entry
			case "spoiled_when":
				key = "broken_setup" // as it is called now
			}
			if err := t.add(join(path, key), n.Content[i+1]); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if err := t.add(join(path, entry(i, item)), item); err != nil {
				return err
			}
		}
	case yaml.ScalarNode:
		if _, twice := t[path]; twice {
			return strictyaml.At(n, "%s is given twice", path)
		}
		t[path] = translatedWord{n.Value, strictyaml.Position{Line: n.Line, Column: n.Column}}
	default:
		return strictyaml.At(n, "anchors and aliases are not supported")
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// entry is the key of an entry of a list: its id, else its index.
func entry(i int, item *yaml.Node) string {
	if item.Kind == yaml.MappingNode {
		for j := 0; j+1 < len(item.Content); j += 2 {
			if item.Content[j].Value == "id" {
				return item.Content[j+1].Value
			}
		}
	}
	return strconv.Itoa(i)
}

// into replaces the words by their translation. It returns the paths without one, and the places of those that the
// original does not have.
func (t translated) into(w *words) (missing []string, unknown map[string]strictyaml.Position) {
	unknown = map[string]strictyaml.Position{}
	for path, tr := range t {
		unknown[path] = tr.at
	}
	for _, word := range w.texts {
		if tr, ok := t[word.path]; ok && tr.text != "" {
			*word.text = tr.text
		} else if !word.optional {
			missing = append(missing, word.path)
		}
		delete(unknown, word.path)
	}
	for path, list := range w.accept {
		*list = slices.Clone(*list)
		for i := 0; ; i++ {
			at := fmt.Sprintf("%s.%d", path, i)
			tr, ok := t[at]
			if !ok {
				break
			}
			*list = append(*list, tr.text)
			delete(unknown, at)
		}
	}
	return missing, unknown
}

// paths lists the paths of all words, to suggest one.
func (w *words) paths() []string {
	var all []string
	for _, word := range w.texts {
		all = append(all, word.path)
	}
	return all
}

// clone copies the texts that words can change.
func (b *Block) clone() Block {
	c := *b
	if b.Predict != nil {
		p := *b.Predict
		p.Options = slices.Clone(p.Options)
		c.Predict = &p
	}
	if b.Observe != nil {
		o := *b.Observe
		o.Options = slices.Clone(o.Options)
		c.Observe = &o
	}
	if b.Hints != nil {
		h := *b.Hints
		c.Hints = &h
	}
	c.Checks = cloneChecks(b.Checks)
	c.Recall = slices.Clone(b.Recall)
	for i := range c.Recall {
		c.Recall[i].Options = slices.Clone(c.Recall[i].Options)
	}
	return c
}

func cloneChecks(checks []Check) []Check {
	out := slices.Clone(checks)
	for i := range out {
		c := &out[i]
		if t, ok := c.Probe.(probe.Translatable); ok {
			c.Probe = t.Clone()
		}
		c.HintWhen, c.BrokenSetup, c.Also = slices.Clone(c.HintWhen), slices.Clone(c.BrokenSetup), slices.Clone(c.Also)
		if c.Answer != nil {
			a := *c.Answer
			a.Options, a.Wrong = slices.Clone(a.Options), slices.Clone(a.Wrong)
			c.Answer = &a
		}
	}
	return out
}

// text is all words of a block in their order.
func (w *words) text() string {
	var b strings.Builder
	for _, word := range w.texts {
		if word.optional {
			continue
		}
		fmt.Fprintf(&b, "%s\x00%s\x00", word.path, *word.text)
	}
	return b.String()
}
