package apiserver

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const recording = "../../testdata/apiserver"

var update = flag.Bool("update", false, "write the recording")

func TestTheRecordingIsWhatTheServerAnswers(t *testing.T) {
	groups, err := Load("testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	config := startServer(t)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	k, n := newKubectl(t, config), 0
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		golden := Golden{Kubernetes: version.Major + "." + version.Minor}
		for _, c := range groups[group] {
			n++
			k.namespace = "case-" + strconv.Itoa(n)
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: k.namespace}}
			if _, err := client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			golden.Cases = append(golden.Cases, k.outcome(t, c))
		}
		compare(t, filepath.Join(recording, group+".json"), golden)
	}
	t.Logf("%d cases", n)
}

// outcome applies the steps of a case, the last one only for trial.
func (k *kubectl) outcome(t *testing.T, c Case) Outcome {
	t.Helper()
	o := Outcome{Name: c.Name, Steps: c.Steps}
	for i, step := range c.Steps {
		last := i == len(c.Steps)-1
		k.takeWarnings()
		object, err := k.apply(t, expand(step), last)
		switch {
		case !last && err != nil:
			t.Fatalf("%s: step %d: %v", c.Name, i+1, err)
		case !last:
			continue
		case err != nil:
			o.Reason, o.Causes = refusal(err)
			for i := range o.Causes {
				o.Causes[i].Message = c.settled(abbreviate(o.Causes[i].Message))
			}
			slices.SortFunc(o.Causes, func(a, b Cause) int {
				return slices.Compare([]string{a.Field, a.Message}, []string{b.Field, b.Message})
			})
		default:
			o.Object = c.settled(stored(t, object))
		}
		o.Warnings = k.takeWarnings()
	}
	return o
}

// settled is a text in which addresses and ports that the server chose are always the same.
func (c Case) settled(text string) string {
	chosen := regexp.MustCompile(`10\.0\.[0-9]+\.[0-9]+|"nodePort":[0-9]+`)
	return chosen.ReplaceAllStringFunc(text, func(found string) string {
		switch {
		case strings.Contains(strings.Join(c.Steps, ""), found):
			return found
		case strings.HasPrefix(found, "10."):
			return "10.0.0.0"
		}
		return `"nodePort":30000`
	})
}

// stored is an object without what is different each time.
func stored(t *testing.T, object []byte) string {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(object, &tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "status")
	if meta, ok := tree["metadata"].(map[string]any); ok {
		for _, name := range []string{"uid", "resourceVersion", "creationTimestamp", "namespace", "generation"} {
			delete(meta, name)
		}
		if annotations, ok := meta["annotations"].(map[string]any); ok {
			delete(annotations, corev1.LastAppliedConfigAnnotation)
		}
	}
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return abbreviate(string(data))
}

func compare(t *testing.T, file string, golden Golden) {
	t.Helper()
	got, err := encode(golden)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the server answers; run make apiserver-golden and look at the difference", file)
	}
}
