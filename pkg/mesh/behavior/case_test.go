package behavior

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// behaviorCase is a file of testdata/mesh/behavior: objects as a user applies them, and after the last "---" what pods and
// calls there are and what happens. README.md in that directory describes it.
type behaviorCase struct {
	file, name string
	// objects is the text before the last document.
	objects string

	Rule  string           `yaml:"rule"`
	Pods  map[string][]pod `yaml:"pods"`
	Calls []call           `yaml:"calls"`
	Warns []string         `yaml:"warns"`
	// Change is applied after the calls, before they are explained.
	Change  string `yaml:"change"`
	Explain string `yaml:"explain"`
}

// pod is an instance of a service.
type pod struct {
	Version string `yaml:"version"`
	// Answers are those to its first requests; the last one is that to all further.
	Answers []string `yaml:"answers"`
	// Plain: it has no sidecar. Dead: nothing listens. TLS: its program itself serves "SIMPLE" or "MUTUAL" TLS.
	Plain bool   `yaml:"plain"`
	Dead  bool   `yaml:"dead"`
	TLS   string `yaml:"tls"`
}

// call is one request, or several of the same.
type call struct {
	// From is the caller: a workload with a sidecar, "checkoutservice" or "probe.away" for one of another namespace, or
	// "stranger", which has none.
	From string `yaml:"from"`
	// To is the service, or for a stranger a pod.
	To      string            `yaml:"to"`
	Method  string            `yaml:"method"`
	Path    string            `yaml:"path"`
	Headers map[string]string `yaml:"headers"`
	Body    int               `yaml:"body"`
	// Deadline of gRPC.
	Deadline time.Duration `yaml:"deadline"`
	Times    int           `yaml:"times"`
	// Held: it is left open until the case ends.
	Held bool `yaml:"held"`
	// Until: it is repeated until it goes as wanted.
	Until bool `yaml:"until"`
	// Apply is what is applied before.
	Apply string `yaml:"apply"`
	Want  want   `yaml:"want"`
}

// want is how a call goes.
type want struct {
	// Status is a code of gRPC by its name or a status of HTTP; for tcp OK or closed. Statuses are how many of several calls
	// have which, instead.
	Status   string             `yaml:"status"`
	Statuses map[string]numbers `yaml:"statuses"`
	Message  string             `yaml:"message"`
	Flags    string             `yaml:"flags"`
	// Ended is what ended the call: see endedBy.
	Ended    string `yaml:"ended"`
	Attempts int    `yaml:"attempts"`
	// Inbound are the flags at the sidecars of the callees, "POD FLAGS".
	Inbound []string `yaml:"inbound"`
	// Reached is how many requests came to the programs of pods.
	Reached map[string]numbers `yaml:"reached"`
	// Same: all came to one of them.
	Same bool `yaml:"same"`
	// Headers are of the response, Received of the last request that reached a program; "absent" for those that are not there.
	Headers  map[string]string `yaml:"headers"`
	Received map[string]string `yaml:"received"`
}

// numbers is a number, or a range of numbers: "80..120".
type numbers string

func (n numbers) has(got int) bool {
	low, high, ranged := strings.Cut(string(n), "..")
	if !ranged {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	return err1 == nil && err2 == nil && from <= got && got <= to
}

const (
	casesDir  = "../../../testdata/mesh/behavior"
	explainAt = "\nexplain: |\n"
)

// readCases reads all cases.
func readCases(t *testing.T) []*behaviorCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(casesDir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*behaviorCase
	for _, file := range files {
		c, err := readCase(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func readCase(file string) (*behaviorCase, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &behaviorCase{file: file, name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
	at := strings.LastIndex(string(data), "---\n")
	if at < 0 {
		return nil, fmt.Errorf(`%s: no "---" before the case`, file)
	}
	c.objects = string(data[:at])
	if err := strictyaml.Decode(string(data[at+len("---\n"):]), c); err != nil {
		return nil, fmt.Errorf("%s, after the last ---: %w", file, err)
	}
	if c.Rule == "" || len(c.Calls) == 0 {
		return nil, fmt.Errorf("%s: a rule and calls are needed", file)
	}
	if c.Pods == nil {
		c.Pods = map[string][]pod{payment: {{}}}
	}
	for i := range c.Calls {
		c.Calls[i].defaults()
	}
	return c, nil
}

func (k *call) defaults() {
	if k.From == "" {
		k.From = checkout
	}
	if k.To == "" {
		k.To = payment
	}
	kind := kindOf(k.To)
	if k.Path == "" {
		k.Path = map[string]string{"grpc": "/hipstershop.PaymentService/Charge", "http": "/"}[kind]
	}
	if k.Method == "" && kind == "http" {
		k.Method = "GET"
	}
	k.Times = max(k.Times, 1)
	if k.Want.Flags == "" {
		k.Want.Flags = "-"
	}
}

// rewrite puts another explanation into the file of a case.
func (c *behaviorCase) rewrite(explanation string) error {
	data, err := os.ReadFile(c.file)
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(string(data), explainAt)
	var b strings.Builder
	b.WriteString(strings.TrimRight(text, "\n") + explainAt)
	for line := range strings.Lines(explanation) {
		b.WriteString("  " + line)
	}
	return os.WriteFile(c.file, []byte(b.String()), 0o644)
}
