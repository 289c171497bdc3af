package strictyaml

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

type inner struct {
	At   Position
	Name string        `yaml:"name"`
	Wait time.Duration `yaml:"wait"`
}

type outer struct {
	Common `yaml:",inline"`
	Items  []inner        `yaml:"items"`
	Count  *int           `yaml:"count"`
	Ratio  float64        `yaml:"ratio"`
	On     bool           `yaml:"on"`
	Labels map[string]int `yaml:"labels"`
}

// Common is embedded.
type Common struct {
	Title string `yaml:"title"`
}

func TestAWholeDocumentIsDecodedWithPositions(t *testing.T) {
	var got outer
	err := Decode("title: t\nitems:\n  - name: a\n    wait: 2s\ncount: 3\nratio: 0.5\non: true\nlabels: {x: 1}\n", &got)
	if err != nil {
		t.Fatal(err)
	}
	three := 3
	want := outer{
		Common: Common{Title: "t"},
		Items:  []inner{{At: Position{3, 5}, Name: "a", Wait: 2 * time.Second}},
		Count:  &three, Ratio: 0.5, On: true, Labels: map[string]int{"x": 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesAreReportedWithPlaceAndNearestName(t *testing.T) {
	for text, want := range map[string]string{
		"itmes: []":                      `1:1: unknown key "itmes"; did you mean "items"?`,
		"items:\n  - nmae: x":            `2:5: unknown key "nmae"; did you mean "name"?`,
		"items:\n  - zzz: x":             `2:5: unknown key "zzz"; want name or wait`,
		"items: {}":                      `1:8: want a list, got a mapping`,
		"items: [3]":                     `1:9: want a mapping with name or wait, got "3"`,
		"count: three":                   `1:8: want a whole number, got "three"`,
		"on: yes":                        `1:5: want true or false, got "yes"`,
		"ratio: []":                      `1:8: want a number, got a list`,
		"count: 1\ncount: 2":             `2:1: "count" is given twice`,
		"labels: {a: 1, a: 2}":           `1:16: "a" is given twice`,
		"items:\n  - wait: soon":         `2:11: want a duration such as 500ms or 2s, got "soon"`,
		"items:\n  - name:":              `2:10: want text, got nothing`,
		"count: 1\n---\ncount: 2":        `2:1: a second document does not belong here`,
		"":                               `1:1: this is empty`,
		"a: [":                           `1:1: did not find expected node content`,
		"ratio: &x 1\nlabels: {a: *x}\n": `2:13: anchors and aliases are not supported`,
	} {
		var v outer
		err := Decode(text, &v)
		if err == nil || err.Error() != want {
			t.Errorf("Decode(%q) = %v, want %s", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("items:\n  - name: a\n    wait: 2s\ncount: 3\n")
	f.Add("labels: {? a : 1}")
	f.Fuzz(func(t *testing.T, text string) {
		var v outer
		if err := Decode(text, &v); err != nil {
			var at *Error
			if !asError(err, &at) || at.Line < 1 || at.Column < 1 {
				t.Errorf("error without a place: %v", err)
			}
		}
	})
}

func asError(err error, at **Error) bool {
	e, ok := err.(*Error)
	*at = e
	return ok
}

// shapes is an inline field with keys of its own.
type shapes struct{ read []string }

func (*shapes) Keys() []Field {
	return []Field{{Name: "circle", Type: reflect.TypeFor[inner]()}, {Name: "square", Type: reflect.TypeFor[inner]()}}
}

func (s *shapes) DecodeKey(key string, value *yaml.Node) error {
	var v inner
	s.read = append(s.read, key)
	return Into(value, &v)
}

type drawing struct {
	Shapes shapes `yaml:",inline"`
	Color  string `yaml:"color" alias:"colour,hue"`
}

func TestAnInlineFieldCanHaveKeysOfItsOwn(t *testing.T) {
	var d drawing
	if err := Decode("square: {name: a}\ncolor: red\n", &d); err != nil || len(d.Shapes.read) != 1 || d.Color != "red" {
		t.Errorf("%+v, %v", d, err)
	}
	for text, want := range map[string]string{
		"squere: {}":                 `1:1: unknown key "squere"; did you mean "square"?`,
		"square: {nmae: x}":          `1:10: unknown key "nmae"; did you mean "name"?`,
		"circle: {}\ncircle: {}":     `2:1: "circle" is given twice`,
		"triangle: {}":               `1:1: unknown key "triangle"; want circle, square or color`,
		"color: [red]\nhue: crimson": `1:8: want text, got a list`,
	} {
		if err := Decode(text, &drawing{}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestAnAliasIsReadButNotListed(t *testing.T) {
	var d drawing
	if err := Decode("hue: blue", &d); err != nil || d.Color != "blue" {
		t.Errorf("%+v, %v", d, err)
	}
	for _, f := range Fields(reflect.TypeFor[drawing]()) {
		if f.Name == "hue" || f.Name == "colour" {
			t.Errorf("%s is listed", f.Name)
		}
	}
}
