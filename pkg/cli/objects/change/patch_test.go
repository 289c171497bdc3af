package change

import (
	"encoding/json"
	"strings"
	"testing"
)

// Cases are those of RFC 6902, appendix A, RFC 7386, and of Kubernetes' page about patches.
func TestAPatchChangesWhatItSays(t *testing.T) {
	const deployment = `{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}}}}`
	for _, tc := range []struct{ kind, before, patch, want string }{
		{"json", `{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{"baz":"qux","foo":"bar"}`},
		{"json", `{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`},
		{"json", `{"foo":["bar"]}`, `[{"op":"add","path":"/foo/-","value":["abc"]}]`, `{"foo":["bar",["abc"]]}`},
		{"json", `{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/baz"}]`, `{"foo":"bar"}`},
		{"json", `{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/foo/1"}]`, `{"foo":["bar","baz"]}`},
		{"json", `{"foo":["bar"]}`, `[{"op":"replace","path":"/foo/0","value":1}]`, `{"foo":[1]}`},
		{"json", `{"foo":{"bar":"baz","waldo":"fred"},"qux":{}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`, `{"foo":{"bar":"baz"},"qux":{"thud":"fred"}}`},
		{"json", `{"foo":1}`, `[{"op":"copy","from":"/foo","path":"/a"},{"op":"test","path":"/a","value":1}]`, `{"a":1,"foo":1}`},
		{"json", `{"a/b":1}`, `[{"op":"replace","path":"/a~1b","value":2}]`, `{"a/b":2}`},
		{"merge", `{"a":"b","c":{"d":"e","f":"g"},"l":[1,2]}`, `{"a":"z","c":{"f":null},"l":[3]}`, `{"a":"z","c":{"d":"e"},"l":[3]}`},
		{"strategic", deployment, `{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:2"},{"name":"c","image":"c:1"}]}}}}`, `{"spec":{"template":{"spec":{"containers":[{"image":"a:1","name":"a"},{"image":"b:2","name":"b"},{"image":"c:1","name":"c"}]}}}}`},
		{"strategic", deployment, `spec: {template: {spec: {containers: [{name: a, $patch: delete}]}}}`, `{"spec":{"template":{"spec":{"containers":[{"image":"b:1","name":"b"}]}}}}`},
		{"strategic", `{"spec":{"replicas":1,"paused":true}}`, `{"spec":{"paused":null}}`, `{"spec":{"replicas":1}}`},
	} {
		var tree map[string]any
		if err := json.Unmarshal([]byte(tc.before), &tree); err != nil {
			t.Fatal(err)
		}
		change, err := parsePatch(tc.kind, tc.patch)
		if err == nil {
			err = change("Deployment", tree)
		}
		got, _ := json.Marshal(tree)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s patch %s of %s is %s, want %s (%v)", tc.kind, tc.patch, tc.before, got, tc.want, err)
		}
	}
}

func TestAPatchThatCannotBeAppliedSaysWhy(t *testing.T) {
	for _, tc := range []struct{ kind, patch, want string }{
		{"json", `[{"op":"remove","path":"/nosuch"}]`, "nonexistent key: nosuch"},
		{"json", `[{"op":"add","path":"/list/5","value":1}]`, "invalid index: 5"},
		{"json", `[{"op":"test","path":"/a","value":2}]`, "testing value /a failed"},
		{"json", `[{"op":"frob","path":"/a"}]`, "Unexpected kind: frob"},
		{"json", `[{"op":"add","path":"a","value":1}]`, `doc is missing path: "a"`},
		{"json", `{"a":1}`, "want a list of operations"},
		{"strategic", `[1]`, "want an object"},
		{"merge", `null`, "want an object"},
	} {
		change, err := parsePatch(tc.kind, tc.patch)
		if err == nil {
			err = change("Deployment", map[string]any{"a": 1.0, "list": []any{}})
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.patch, err, tc.want)
		}
	}
}
