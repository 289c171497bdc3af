// Package pkg_test keeps the house's plan: which room may import which.
package pkg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/shopctl/shopctl/"

// allowed lists, for each room, the rooms that it may import. A room includes the packages below it, unless a
// longer name has an entry of its own. A package without an entry imports nothing of ours. Every grant is used:
// an unused one is refused, so that the table stays a true map.
var allowed = map[string][]string{
	"cmd/shopctl":          {"pkg/cli"},
	"pkg/cli":              {"pkg/rundir", "pkg/tui"},
	"pkg/cli/cmdutil":      {"pkg/cli/iostreams", "pkg/control", "pkg/resource", "pkg/rpc", "pkg/rundir", "services"},
	"pkg/cli/config":       {"pkg/cli/cmdutil"},
	"pkg/cli/edit":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/control", "pkg/resource", "pkg/rpc"},
	"pkg/cli/clitest":      {"pkg/cli", "pkg/control", "pkg/rpc", "pkg/rundir"},
	"pkg/cli/internalcmd":  {"pkg/cli/cmdutil", "pkg/cli/config", "pkg/cli/iostreams", "pkg/chassis", "pkg/daemon", "pkg/lesson/restore", "pkg/observe/otlp", "pkg/rundir", "pkg/workload", "services"},
	"pkg/cli/shop":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/chassis/portowner", "pkg/control", "pkg/observe/otlp", "pkg/rpc", "pkg/rundir", "services"},
	"pkg/cli/objects":      {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/edit", "pkg/control", "pkg/resource", "pkg/rpc", "services"},
	"pkg/cli/observe":      {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/control", "pkg/observe", "pkg/plot", "pkg/resource", "pkg/rpc", "pkg/topology", "pkg/trace", "services"},
	"pkg/cli/call":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/edit", "pkg/call", "pkg/control", "pkg/resource", "pkg/rpc", "services"},
	"pkg/cli/fault":        {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/fault", "pkg/rpc", "services"},
	"pkg/cli/load":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/edit", "pkg/load", "pkg/rpc"},
	"pkg/cli/lesson":       {"pkg/cli/cmdutil", "pkg/cli/iostreams", "lessons", "pkg/call", "pkg/control", "pkg/lesson", "pkg/rpc", "pkg/rundir", "services"},
	"pkg/cli/dash":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/lesson", "pkg/tui"},
	"pkg/tui":              {"pkg/call", "pkg/lesson", "pkg/resource", "pkg/rpc"},
	"pkg/tui/style":        {},
	"pkg/tui/textedit":     {},
	"pkg/tui/feed":         {"pkg/tui/style", "pkg/control", "pkg/lesson", "pkg/plot", "pkg/resource", "pkg/rpc", "pkg/trace"},
	"pkg/tui/pane":         {"pkg/tui/feed", "pkg/tui/style", "pkg/tui/textedit", "pkg/call", "pkg/control", "pkg/lesson", "pkg/plot", "pkg/resource", "pkg/rpc", "pkg/topology", "pkg/trace"},
	"pkg/tui/tuitest":      {"pkg/rpc", "pkg/trace"},
	"pkg/lesson":           {"pkg/lesson", "pkg/load", "pkg/resource", "pkg/trace", "pkg/rpc"},
	"pkg/control":          {"pkg/rpc", "pkg/rundir", "pkg/topology"},
	"pkg/daemon":           {"pkg/orchestrator", "pkg/workload", "pkg/resource", "pkg/control", "pkg/fault", "pkg/observe", "pkg/trace", "pkg/rundir", "services"},
	"pkg/daemon/api":       {"pkg/daemon/names", "pkg/orchestrator", "pkg/workload", "pkg/resource", "pkg/control", "pkg/fault", "pkg/observe", "pkg/trace", "pkg/topology", "pkg/rpc", "services"},
	"pkg/daemon/names":     {"pkg/orchestrator", "pkg/control", "pkg/fault", "pkg/chassis", "services"},
	"pkg/workload":         {"pkg/orchestrator", "pkg/chassis/lifeline", "pkg/chassis/portowner"},
	"pkg/orchestrator":     {"pkg/chassis/lifeline"},
	"pkg/workload/process": {"pkg/workload", "pkg/orchestrator", "pkg/rundir", "pkg/chassis/lifeline"},
	"pkg/resource":         {"pkg/resource", "pkg/rule"},
	"pkg/observe":          {"pkg/observe", "pkg/trace", "pkg/rule"},
	"pkg/trace":            {"pkg/trace", "pkg/rpc"},
	"pkg/topology":         {"pkg/observe/servicegraph"},
	"pkg/fault":            {"pkg/chassis/lifeline", "pkg/rpc/code"},
	"pkg/chassis":          {"pkg/chassis", "pkg/protomux", "pkg/rpc"},
	"pkg/rpc":              {"pkg/rpc"},
	"services":             {"services", "pkg/chassis", "pkg/rpc"},
	"tools":                {"pkg/cli", "pkg/tui"},
}

// leaves are small tools that know nothing of the shop: every room may import them. They may import each other. A
// service and its chassis may not: they would run anywhere.
var leaves = []string{"pkg/broadcast", "pkg/eventually", "pkg/humanize", "pkg/lazyregexp", "pkg/protomux", "pkg/strictyaml", "pkg/suggest"}

// drivers know nothing of each other.
var drivers = []string{"pkg/workload/process", "pkg/workload/docker", "pkg/workload/kubernetes"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestEveryPackageImportsOnlyWhatItsRoomMay(t *testing.T) {
	used := map[string]bool{}
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		room := roomOf(from)
		for _, path := range p.Imports {
			to, ours := strings.CutPrefix(path, module)
			if !ours || within(to, from) || within(from, to) && from == room {
				continue
			}
			if slices.Contains(leaves, to) && !slices.Contains([]string{"services", "pkg/chassis", "pkg/rpc"}, room) {
				continue
			}
			grants := 0
			for _, grant := range allowed[room] {
				if within(to, grant) {
					used[room+" -> "+grant] = true
					grants++
				}
			}
			if grants == 0 {
				t.Errorf("%s imports %s: the room %q may import only %v", from, to, room, allowed[room])
			}
			if slices.Contains(drivers, from) && slices.Contains(drivers, to) {
				t.Errorf("driver %s imports driver %s", from, to)
			}
		}
	}
	for room, grants := range allowed {
		for _, grant := range grants {
			if !used[room+" -> "+grant] {
				t.Errorf("no package of %q imports %q: remove the grant", room, grant)
			}
		}
	}
}

func TestNoServiceKnowsAnother(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		name, ok := strings.CutPrefix(from, "services/")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "/")
		for _, path := range p.Imports {
			if to, ours := strings.CutPrefix(path, module); ours && strings.HasPrefix(to, "services") && !within(to, "services/"+name) {
				t.Errorf("service %s imports %s", from, to)
			}
		}
	}
}

// roomOf is the longest entry of the table that pkg lies in.
func roomOf(pkg string) string {
	best := ""
	for room := range allowed {
		if within(pkg, room) && len(room) > len(best) {
			best = room
		}
	}
	return best
}

func within(pkg, room string) bool { return pkg == room || strings.HasPrefix(pkg, room+"/") }

func packages(t *testing.T) []pkg {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-tags", "grpcnotrace", "-json=ImportPath,Imports", module+"...")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 20 {
		t.Fatalf("go list found %d packages: the test looks in the wrong place", len(all))
	}
	return all
}

func TestTheArchitecturePageNamesEveryRoom(t *testing.T) {
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages(t) {
		room, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "pkg/"), "/")
		if strings.HasPrefix(p.ImportPath, module+"pkg/") && !bytes.Contains(page, []byte("`pkg/"+room+"`")) {
			t.Errorf("describe pkg/%s in the table of docs/architecture.md", room)
		}
	}
}
