package jsonpath_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/jsonpath"
)

// document is that of Kubernetes' page about JSONPath, shortened.
const document = `{"kind":"List","items":[
 {"kind":"None","metadata":{"name":"127.0.0.1","labels":{"kubernetes.io/hostname":"127.0.0.1"}},"status":{"capacity":{"cpu":"4"},"addresses":[{"type":"LegacyHostIP","address":"127.0.0.1"}]}},
 {"kind":"None","metadata":{"name":"127.0.0.2","rank":7},"status":{"capacity":{"cpu":"8"},"ready":true,"addresses":[{"type":"LegacyHostIP","address":"127.0.0.2"},{"type":"another","address":"127.0.0.3"}]}}],
 "users":[{"name":"myself","user":{}},{"name":"e2e","user":{"username":"admin","password":"secret"}}]}`

func data(t *testing.T) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The first ones are the examples of Kubernetes' page with the results that it gives.
func TestATemplatePrintsWhatKubectlPrints(t *testing.T) {
	for template, want := range map[string]string{
		`the kind is {.kind}`:             "the kind is List",
		`{.kind}`:                         "List",
		`{@.kind}`:                        "List",
		`{['kind']}`:                      "List",
		`{..name}`:                        "127.0.0.1 127.0.0.2 myself e2e",
		`{.items[*].metadata.name}`:       "127.0.0.1 127.0.0.2",
		`{.users[0].name}`:                "myself",
		`{.items[*]['metadata.name']}`:    "",
		`{.users[-1].name}`:               "e2e",
		`{.users[?(@.name=="e2e")].user}`: `{"password":"secret","username":"admin"}`,
		`{.users[?(@.name=="e2e")].user.password}`:                        "secret",
		`{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}`:   `[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] `,
		`{range .items[*]}{.metadata.name}{'\t'}{end}`:                    "127.0.0.1\t127.0.0.2\t",
		`{range .items[*]}{.metadata.name}{"\n"}{end}`:                    "127.0.0.1\n127.0.0.2\n",
		`{.items[?(@.metadata.rank>5)].metadata.name}`:                    "127.0.0.2",
		`{.items[?(@.metadata.rank<=7)].metadata.name}`:                   "127.0.0.2",
		`{.items[?(@.status.ready==true)].metadata.rank}`:                 "7",
		`{.items[?(@.metadata.rank)].metadata.name}`:                      "127.0.0.2",
		`{.items[?(@.metadata.name!='127.0.0.1')].status.capacity.cpu}`:   "8",
		`{.items[0].metadata.labels.kubernetes\.io/hostname}`:             "127.0.0.1",
		`{.items[0].metadata.labels['kubernetes.io/hostname']}`:           "127.0.0.1",
		`{.items[0:1].metadata.name}`:                                     "127.0.0.1",
		`{.items[0,1].kind}`:                                              "None None",
		`{.items[1].status.addresses[*]['address','type']}`:               "127.0.0.2 LegacyHostIP 127.0.0.3 another",
		`{range .items[*]}{$.kind}{end}`:                                  "ListList",
		`{range .items[*]}{range .status.addresses[*]}{.type};{end}{end}`: "LegacyHostIP;LegacyHostIP;another;",
		`{.nosuch.field}`:                         ``,
		`{.kind} {"a \"b\""}`:                     `List a "b"`,
		`{.items[*].status.addresses[0].address}`: "127.0.0.1 127.0.0.2",
		``:      "",
		`plain`: "plain",
	} {
		parsed, err := jsonpath.Parse(template)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		var out strings.Builder
		if err := parsed.Execute(&out, data(t)); err != nil || out.String() != want {
			t.Errorf("%s prints %q, want %q (%v)", template, out.String(), want, err)
		}
	}
}

func TestWhatIsNoTemplateIsNamed(t *testing.T) {
	for template, want := range map[string]string{
		`{.kind`:                    "a { has no }",
		`{range .items[*]}{.kind}`:  "{range} has no {end}",
		`{.kind}{end}`:              "{end} without {range}",
		`{kind}`:                    `want a path that begins with a dot, and not "kind}"`,
		`{.items[}`:                 "a [ has no ]",
		`{.items[x]}`:               `"x" is not a number`,
		`{.items[0:2:0]}`:           "a step must be above zero",
		`{.items[]}`:                "want an index",
		`{"open}`:                   "a quote is not closed",
		`{.a[?(@.b==c)]}`:           `read "c" in a filter`,
		`{.a[?(@.b==1 && @.c==2)]}`: "want one comparison",
		`{.a..}`:                    `".." needs a field behind it`,
	} {
		if _, err := jsonpath.Parse(template); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", template, err, want)
		}
	}
}

func TestAnIndexOutOfBoundsIsAnError(t *testing.T) {
	for _, template := range []string{`{.items[5]}`, `{.items[-3]}`} {
		parsed, err := jsonpath.Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		if err := parsed.Execute(&strings.Builder{}, data(t)); err == nil || !strings.Contains(err.Error(), "array index out of bounds") {
			t.Errorf("%s: %v", template, err)
		}
	}
}

func TestAColumnIsWrittenWithOrWithoutBracesAndTheFirstDot(t *testing.T) {
	for _, text := range []string{"kind", ".kind", "{.kind}", "{kind}", " $.kind"} {
		parsed, err := jsonpath.Path(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if found, err := parsed.Find(data(t)); err != nil || len(found) != 1 || found[0] != "List" {
			t.Errorf("%s: %v, %v", text, found, err)
		}
	}
}

func TestNumbersAreOrderedByTheirSize(t *testing.T) {
	if jsonpath.Compare(json.Number("9"), json.Number("10")) >= 0 || jsonpath.Compare("9", "10") <= 0 || jsonpath.Compare(2.5, json.Number("2.5")) != 0 {
		t.Error("9 is before 10 as a number, and after it as text")
	}
}

func FuzzATemplateIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{`{range .items[*]}{.a['b'][0:2]}{end}`, `{..a}`, `{.a[?(@.b=="c")]}`, `{"\`, `{.[`} {
		f.Add(seed)
	}
	var value any
	if err := json.Unmarshal([]byte(document), &value); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, template string) {
		if parsed, err := jsonpath.Parse(template); err == nil {
			_ = parsed.Execute(&strings.Builder{}, value)
		}
	})
}
