package merge

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if text != "" {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func TestThreeTreesBecomeOne(t *testing.T) {
	pod, deployment, service := reflect.TypeFor[*corev1.PodSpec](), reflect.TypeFor[*appsv1.DeploymentSpec](), reflect.TypeFor[*corev1.ServiceSpec]()
	for _, tc := range []struct {
		name                   string
		schema                 reflect.Type
		live, last, next, want string
	}{
		{"a new object is what is written, without its nulls", pod, ``, ``, `{"nodeName":null,"hostname":"a"}`, `{"hostname":"a"}`},
		{"what was applied and is no longer goes", pod, `{"hostname":"a","nodeName":"n"}`, `{"hostname":"a"}`, `{}`, `{"nodeName":"n"}`},
		{"what others set stays", pod, `{"hostname":"a","nodeName":"n"}`, `{"hostname":"a"}`, `{"hostname":"b"}`, `{"hostname":"b","nodeName":"n"}`},
		{"null removes", pod, `{"nodeName":"n"}`, ``, `{"nodeName":null}`, `{}`},
		{"maps are merged by key", pod, `{"nodeSelector":{"a":"1","b":"2","c":"3"}}`, `{"nodeSelector":{"a":"1","b":"2"}}`, `{"nodeSelector":{"b":"9"}}`, `{"nodeSelector":{"b":"9","c":"3"}}`},
		{
			"containers are merged by name", pod,
			`{"containers":[{"name":"a","image":"old","tty":true},{"name":"b","image":"x"},{"name":"c","image":"y"}]}`,
			`{"containers":[{"name":"a","image":"old"},{"name":"b","image":"x"}]}`,
			`{"containers":[{"name":"d","image":"new"},{"name":"a","image":"new"}]}`,
			`{"containers":[{"name":"d","image":"new"},{"name":"a","image":"new","tty":true},{"name":"c","image":"y"}]}`,
		},
		{
			"one port for two protocols", service,
			`{"ports":[{"port":53,"protocol":"TCP","nodePort":1},{"port":53,"protocol":"UDP","nodePort":2}]}`, ``,
			`{"ports":[{"port":53,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]}`,
			`{"ports":[{"port":53,"protocol":"TCP","nodePort":1},{"port":53,"protocol":"UDP","nodePort":2}]}`,
		},
		{
			"ports above a million parts are still told apart", service,
			`{"ports":[{"port":1000000,"name":"a"},{"port":1000001,"name":"b"}]}`, ``,
			`{"ports":[{"port":1000001}]}`, `{"ports":[{"port":1000001,"name":"b"},{"port":1000000,"name":"a"}]}`,
		},
		{"plain lists are replaced", pod, `{"containers":[{"name":"a","args":["x","y"]}]}`, ``, `{"containers":[{"name":"a","args":["z"]}]}`, `{"containers":[{"name":"a","args":["z"]}]}`},
		{
			"a union keeps only what is named", deployment,
			`{"replicas":1,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}`, ``, `{"strategy":{"type":"Recreate"}}`,
			`{"replicas":1,"strategy":{"type":"Recreate"}}`,
		},
		{
			"a volume changes its source", pod,
			`{"volumes":[{"name":"v","emptyDir":{}}]}`, `{"volumes":[{"name":"v"}]}`, `{"volumes":[{"name":"v","secret":{"secretName":"s"}}]}`,
			`{"volumes":[{"name":"v","secret":{"secretName":"s"}}]}`,
		},
		{
			"a probe changes its handler", pod,
			`{"containers":[{"name":"a","livenessProbe":{"grpc":{"port":1},"periodSeconds":10}}]}`, `{"containers":[{"name":"a","livenessProbe":{"grpc":{"port":1}}}]}`,
			`{"containers":[{"name":"a","livenessProbe":{"httpGet":{"port":1}}}]}`, `{"containers":[{"name":"a","livenessProbe":{"httpGet":{"port":1},"periodSeconds":10}}]}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			live, last, next := tree(t, tc.live), tree(t, tc.last), tree(t, tc.next)
			if diff := cmp.Diff(tree(t, tc.want), ThreeWay(tc.schema, live, last, next)); diff != "" {
				t.Error(diff)
			}
			if !reflect.DeepEqual(live, tree(t, tc.live)) || !reflect.DeepEqual(last, tree(t, tc.last)) || !reflect.DeepEqual(next, tree(t, tc.next)) {
				t.Error("an argument was changed")
			}
		})
	}
}

func TestPlainValuesOfAMergedListAreUnited(t *testing.T) {
	type object struct {
		Finalizers []string `json:"finalizers" patchStrategy:"merge"`
	}
	got := ThreeWay(reflect.TypeFor[object](), tree(t, `{"finalizers":["a","b","c"]}`), tree(t, `{"finalizers":["a"]}`), tree(t, `{"finalizers":["d","b"]}`))
	if diff := cmp.Diff(tree(t, `{"finalizers":["d","b","c"]}`), got); diff != "" {
		t.Error(diff)
	}
}
