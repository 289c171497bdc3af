package decode

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/resource"
)

func TestHugeInputIsRefusedQuickly(t *testing.T) {
	if _, err := Decode("f", []byte(strings.Repeat("a: b\n", 2<<20))); err == nil || err.Error() != "f:1:1: too large: 10.0 MiB, at most 3 MiB are read" {
		t.Error(err)
	}
}

func TestAliasesThatExplodeAreStopped(t *testing.T) {
	bomb := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - &c\n        name: c\n        env:\n"
	for i := range 1000 {
		bomb += fmt.Sprintf("        - {name: N%d, value: v}\n", i)
	}
	bomb += strings.Repeat("      - *c\n", 1000)
	_, err := Decode("f", []byte(bomb))
	if err == nil || !strings.Contains(err.Error(), "too many values: with aliases followed, more than 300000") {
		t.Error(err)
	}
	if n := strings.Count(fmt.Sprint(err), "\n"); n > 3 {
		t.Errorf("%d lines", n)
	}
}

func TestAFileOfNothingButMistakesGetsAShortReport(t *testing.T) {
	long := strings.Repeat("x", 100)
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "%s%d: y\n", long, i)
	}
	_, err := Decode("f", []byte(b.String()))
	var problems resource.Problems
	if !errors.As(err, &problems) || len(problems) != maxProblems {
		t.Errorf("%d problems", len(problems))
	}
}

func TestAListOfItselfIsRefused(t *testing.T) {
	_, err := Decode("f", []byte("&a\napiVersion: v1\nkind: List\nitems:\n- *a\n"))
	if err == nil || err.Error() != "f:3:7: items[0]: a List cannot contain a List" {
		t.Error(err)
	}
}

func TestMergeKeysThatReferToThemselvesAreStopped(t *testing.T) {
	for _, content := range []string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: &d\n  <<: *d\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: a\n  labels: *m\n",
	} {
		if _, err := Decode("f", []byte(content)); err == nil {
			t.Errorf("%q is accepted", content)
		}
	}
}

// FuzzDecode: whatever is read, nothing panics, and every problem has a place inside the file.
func FuzzDecode(f *testing.F) {
	f.Add(deployment)
	f.Add(prometheusRule)
	f.Add("a: &a [*a]\n")
	f.Add("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{}]}")
	f.Add("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  <<: &x {a: b}\n  ? c\n  : d\n")
	f.Add("apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 1e3, targetPort: 0x1f}], selector: {a: 2020-01-01}}\n")
	f.Add("--- |\n a\n...\n%TAG ! tag:x,2000:\n--- !!str b\r\n")
	f.Fuzz(func(t *testing.T, content string) {
		_, err := Decode("f", []byte(content))
		if err == nil {
			return
		}
		var problems resource.Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("error %v of type %T", err, err)
		}
		lines := strings.Count(content, "\n") + strings.Count(content, "\r") + strings.Count(content, "\u2028") + strings.Count(content, "\u2029") + strings.Count(content, "\u0085") + 1
		if strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff") {
			lines = len(content) + 1
		}
		for i, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
				t.Errorf("%q: problem %v lies outside", content, p)
			}
			if i > 0 && problems[i-1].Line > p.Line {
				t.Errorf("%q: problems are not in order: %v", content, problems)
			}
		}
	})
}
