package docker

import (
	"bufio"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func TestStandardErrorCarriesReportsAndOutput(t *testing.T) {
	c := newContainer(&pod{}, nil, podspec.Container{}, program{builtin: "cart"})
	lines := make(chan string, 2)
	go func() {
		for s := bufio.NewScanner(c.logs); s.Scan(); {
			lines <- s.Text()
		}
		close(lines)
	}()
	log := &lineLog{log: c.readLine}
	for _, part := range []string{`{"fatal":"no `, `space"}` + "\n", "panic: ", "half\n", `{"level":"INFO"}` + "\r\n"} {
		if n, err := log.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("write %q: %d, %v", part, n, err)
		}
	}
	_ = c.logged.Close()
	var got []string
	for line := range lines {
		got = append(got, line)
	}
	if want := []string{"panic: half", `{"level":"INFO"}`}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("output %q, want %q", got, want)
	}
	if c.fatal != "no space" {
		t.Errorf("report %q", c.fatal)
	}
}

func TestAnExitSaysWhy(t *testing.T) {
	limits := corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("6Mi")}}
	c := newContainer(&pod{}, nil, podspec.Container{Resources: limits}, program{})
	for _, test := range []struct {
		end  engine.Ended
		want workload.Exit
	}{
		{engine.Ended{Code: 0}, workload.Exit{}},
		{engine.Ended{Code: 3}, workload.Exit{Code: 3}},
		{engine.Ended{Code: 143}, workload.Exit{Code: 143, Signal: 15}},
		{engine.Ended{Code: 137, OutOfMemory: true}, workload.Exit{Code: 137, Signal: 9, Reason: workload.OOMKilled, Message: "its memory limit is 6Mi"}},
		{engine.Ended{Code: 255}, workload.Exit{Code: 255}},
	} {
		if got := c.exitOf(test.end); got != test.want {
			t.Errorf("%+v: %+v, want %+v", test.end, got, test.want)
		}
	}
}

func TestAnExecKeepsTheBeginningOfItsOutput(t *testing.T) {
	out := &limited{left: 5}
	for _, part := range []string{"abc", "def", "ghi"} {
		if n, err := out.Write([]byte(part)); n != 3 || err != nil {
			t.Fatalf("write: %d, %v", n, err)
		}
	}
	if string(out.text) != "abcde" {
		t.Errorf("kept %q", out.text)
	}
}

func TestContainersOfPodsAreNamedByTheirRuns(t *testing.T) {
	p := &pod{d: &Driver{c: Config{Shop: "default"}}, spec: podspec.Pod{Name: "cart-1"}, runs: map[string]int{}}
	got := strings.Join([]string{p.name("server"), p.name("server"), p.name("pause")}, " ")
	if want := "shopctl-default-cart-1-server shopctl-default-cart-1-server-2 shopctl-default-cart-1-pause"; got != want {
		t.Errorf("names %q, want %q", got, want)
	}
}
