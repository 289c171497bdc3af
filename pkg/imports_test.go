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

// allowed lists, for each room, the packages that it may import. A room includes the packages below it, unless a
// longer name has an entry of its own; a package may always import those below it. A package without an entry imports
// nothing of ours. A grant is one package, or with "/..." also all packages below it. Every grant is used, and a wide one
// by several imports: others are refused, so that the table stays a true map.
var allowed = map[string][]string{
	"cmd/shopctl":             {"pkg/cli"},
	"pkg/cli":                 {"pkg/lesson/command", "pkg/rundir", "pkg/tui"},
	"pkg/cli/cmdutil":         {"pkg/cli/iostreams", "pkg/control", "pkg/resource", "pkg/rpc/control", "pkg/rundir", "services"},
	"pkg/cli/config":          {"pkg/cli/cmdutil", "services"},
	"pkg/cli/edit":            {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/control", "pkg/resource", "pkg/resource/render", "pkg/rpc/control"},
	"pkg/cli/clitest":         {"pkg/cli", "pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/control", "pkg/rpc/control", "pkg/rundir"},
	"pkg/cli/internalcmd":     {"pkg/cli/cmdutil", "pkg/mesh/sidecar", "pkg/cli/config", "pkg/cli/iostreams", "pkg/chassis", "pkg/chassis/lifeline", "pkg/daemon", "pkg/lesson/restore", "pkg/observe/otlp", "pkg/rundir", "pkg/workload", "pkg/workload/process", "services", "services/setup", "pkg/workload/docker", "pkg/workload/docker/tunnel"},
	"pkg/cli/shop":            {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/chassis/portowner", "pkg/control", "pkg/observe/otlp", "pkg/rpc/control", "pkg/rpc/shopv1", "pkg/rundir", "services"},
	"pkg/cli/objects":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/edit", "pkg/control", "pkg/resource", "pkg/resource/decode", "pkg/resource/render", "pkg/resource/store", "pkg/rpc/control", "services"},
	"pkg/cli/objects/files":   {"pkg/cli/cmdutil", "pkg/cli/objects/find", "pkg/control", "pkg/resource", "pkg/resource/decode", "pkg/rpc/control"},
	"pkg/cli/objects/explain": {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/objects/find", "pkg/resource", "pkg/resource/explain"},
	"pkg/cli/objects/find":    {"pkg/cli/cmdutil", "pkg/cli/edit", "pkg/control", "pkg/resource", "pkg/rpc/control", "services"},
	"pkg/cli/objects/wait":    {"pkg/cli/cmdutil", "pkg/cli/edit", "pkg/cli/iostreams", "pkg/cli/objects/files", "pkg/cli/objects/find", "pkg/control", "pkg/resource"},
	"pkg/cli/objects/get":     {"pkg/cli/cmdutil", "pkg/cli/edit", "pkg/cli/iostreams", "pkg/cli/objects/find", "pkg/control", "pkg/resource"},
	"pkg/cli/export":          {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/control", "pkg/daemon", "pkg/image", "pkg/kubernetes", "pkg/observe/export", "pkg/resource", "pkg/resource/monitoring", "pkg/rpc/control", "pkg/rundir"},
	"pkg/cli/observe":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/control", "pkg/observe", "pkg/plot", "pkg/resource", "pkg/rpc/control", "pkg/topology", "pkg/trace", "pkg/trace/draw", "services"},
	"pkg/cli/mesh":            {"pkg/cli/edit", "pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/rpc/control", "pkg/trace"},
	"pkg/cli/call":            {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/edit", "pkg/call", "pkg/control", "pkg/resource", "pkg/rpc/code", "pkg/rpc/control", "services"},
	"pkg/cli/fault":           {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/fault", "pkg/rpc/code", "pkg/rpc/control", "services"},
	"pkg/cli/top":             {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/objects/find", "pkg/control", "pkg/resource", "pkg/rpc/control"},
	"pkg/cli/exec":            {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/rpc/control"},
	"pkg/cli/forward":         {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/objects/find", "pkg/control", "pkg/rpc/control"},
	"pkg/cli/image":           {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/engine", "pkg/image"},
	"pkg/cli/load":            {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/cli/edit", "pkg/load", "pkg/rpc/control"},
	"pkg/cli/lesson":          {"pkg/cli/cmdutil", "pkg/cli/iostreams", "lessons", "pkg/call", "pkg/control", "pkg/lesson/...", "pkg/rpc/control", "pkg/rundir", "services"},
	"pkg/cli/bus":             {"pkg/chassis/bus", "pkg/cli/cmdutil", "pkg/cli/edit", "pkg/cli/iostreams", "pkg/control", "pkg/resource", "pkg/rpc/control", "pkg/rpc/shopevent", "services"},
	"pkg/cli/order":           {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/rpc/money", "pkg/rpc/shopv1"},
	"pkg/cli/delivery":        {"pkg/cli/cmdutil", "pkg/cli/edit", "pkg/cli/iostreams", "pkg/control", "pkg/delivery", "pkg/resource", "pkg/rpc/control"},
	"pkg/cli/dash":            {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/lesson", "pkg/tui"},
	"pkg/tui":                 {"pkg/lesson", "pkg/lesson/command", "pkg/lesson/probe", "pkg/resource", "pkg/rpc/control"},
	"pkg/tui/style":           {},
	"pkg/tui/textedit":        {"pkg/tui/style"},
	"pkg/tui/feed":            {"pkg/tui/style", "pkg/control", "pkg/lesson", "pkg/plot", "pkg/resource", "pkg/resource/render", "pkg/rpc/control", "pkg/trace"},
	"pkg/tui/pane":            {"pkg/tui/words", "pkg/tui/feed", "pkg/tui/style", "pkg/tui/textedit", "pkg/call", "pkg/control", "pkg/plot", "pkg/resource", "pkg/rpc/code", "pkg/rpc/control", "pkg/topology", "pkg/trace", "pkg/trace/draw"},
	"pkg/tui/words":           {},
	"pkg/tui/shell":           {},
	"pkg/tui/effect":          {"pkg/tui/feed", "pkg/tui/pane", "pkg/tui/style", "pkg/call", "pkg/rpc/control"},
	"pkg/tui/lessonpane":      {"pkg/tui/pane", "pkg/tui/style", "pkg/lesson", "pkg/lesson/probe"},
	"pkg/tui/tuitest":         {"pkg/rpc/control", "pkg/trace"},
	"pkg/lesson":              {"pkg/foreign", "pkg/lesson/...", "pkg/load", "pkg/resource", "pkg/resource/decode", "pkg/resource/render", "pkg/trace", "pkg/rpc/code", "pkg/rpc/control", "pkg/rpc/shopv1"},
	"pkg/control":             {"pkg/rpc/control", "pkg/rundir", "pkg/topology"},
	"pkg/delivery":            {"pkg/observe", "pkg/orchestrator", "pkg/resource", "pkg/resource/istio", "pkg/resource/store"},
	"pkg/daemon/canaries":     {"pkg/control", "pkg/daemon/names", "pkg/delivery", "pkg/orchestrator", "pkg/resource/store", "pkg/rpc/control"},
	"pkg/daemon":              {"pkg/delivery", "pkg/rpc/control", "pkg/mesh/ads", "pkg/mesh/ca", "pkg/mesh/control", "pkg/mesh/show", "pkg/mesh/sidecar", "pkg/orchestrator", "pkg/workload", "pkg/workload/podspec", "pkg/workload/process", "pkg/workload/proxy", "pkg/resource", "pkg/resource/decode", "pkg/resource/monitoring", "pkg/resource/store", "pkg/control", "pkg/fault", "pkg/chassis/lifeline", "pkg/chassis/portowner", "pkg/observe/...", "pkg/trace", "pkg/rundir", "services", "pkg/workload/docker"},
	"pkg/daemon/api":          {"pkg/daemon/names", "pkg/mesh/explain", "pkg/mesh/show", "pkg/mesh/xds", "pkg/resource/istio", "pkg/orchestrator", "pkg/resource", "pkg/resource/admission", "pkg/resource/decode", "pkg/resource/store", "pkg/control", "pkg/fault", "pkg/foreign", "pkg/observe/...", "pkg/trace", "pkg/topology", "pkg/rpc/code", "pkg/rpc/control", "services"},
	"pkg/foreign":             {"pkg/orchestrator", "pkg/resource", "pkg/resource/admission", "pkg/resource/store", "pkg/workload/podspec"},
	"pkg/daemon/names":        {"pkg/orchestrator", "pkg/control", "pkg/fault", "pkg/chassis", "services"},
	"pkg/mesh/show":           {"pkg/mesh/xds"},
	"pkg/mesh/explain":        {"pkg/mesh/show", "pkg/mesh/xds", "pkg/resource", "pkg/resource/istio", "pkg/resource/store", "pkg/trace"},
	"pkg/workload":            {"pkg/orchestrator", "pkg/resource", "pkg/chassis/lifeline", "pkg/chassis/portowner"},
	"pkg/orchestrator":        {"pkg/resource", "pkg/resource/store", "pkg/chassis/lifeline"},
	"pkg/workload/process":    {"pkg/workload", "pkg/workload/podspec", "pkg/orchestrator", "pkg/rundir", "pkg/chassis/lifeline", "pkg/workload/volumedir"},
	"pkg/workload/docker":     {"pkg/workload", "pkg/workload/podspec", "pkg/workload/volumedir", "pkg/orchestrator", "pkg/chassis/lifeline", "pkg/engine", "pkg/image"},
	"pkg/resource":            {"pkg/resource", "pkg/resource/admission", "pkg/resource/istio", "pkg/resource/merge", "pkg/rule", "pkg/mesh/advice", "pkg/mesh/protoyaml", "pkg/mesh/schema", "pkg/mesh/validate"},
	"pkg/observe":             {"pkg/observe/...", "pkg/trace", "pkg/rule"},
	"pkg/trace":               {"pkg/trace", "pkg/rpc/code"},
	"pkg/topology":            {"pkg/observe/impact", "pkg/observe/servicegraph"},
	"pkg/fault":               {"pkg/chassis/lifeline", "pkg/rpc/code"},
	"pkg/kubernetes":          {"pkg/image", "pkg/resource", "pkg/resource/render", "services"},
	"pkg/image/imagetest":     {"pkg/image"},
	"pkg/chassis":             {"pkg/localuser", "pkg/protomux", "pkg/rpc/code"},
	"pkg/rpc":                 {"pkg/rpc/hipstershop"},
	"services":                {"services/cart/rediscart", "pkg/chassis", "pkg/chassis/bus", "pkg/chassis/cache", "pkg/chassis/chassistest", "pkg/chassis/durable", "pkg/chassis/durable/postgres", "pkg/rpc/hipstershop", "pkg/rpc/money", "pkg/rpc/shoperr", "pkg/rpc/shopevent", "pkg/rpc/shopv1"},
	"services/setup":          {"pkg/chassis", "services/..."},
	"tools":                   {"pkg/cli", "pkg/resource", "pkg/resource/explain", "pkg/tui"},

	"pkg/chassis/bus":              {"pkg/chassis/durable", "pkg/rpc/shopevent"},
	"pkg/chassis/chassistest":      {"pkg/chassis", "pkg/chassis/lifeline"},
	"pkg/chassis/durable/postgres": {"pkg/chassis/durable"},
	"pkg/cli/objects/create":       {"pkg/cli/cmdutil", "pkg/cli/edit", "pkg/cli/iostreams", "pkg/cli/objects/files", "pkg/cli/objects/find", "pkg/control", "pkg/resource", "pkg/rpc/control"},
	"pkg/cli/objects/change":       {"pkg/cli/cmdutil", "pkg/cli/edit", "pkg/cli/iostreams", "pkg/cli/objects/files", "pkg/cli/objects/find", "pkg/control", "pkg/resource", "pkg/resource/merge", "pkg/resource/render", "pkg/rpc/control"},
	"pkg/mesh/ads":                 {"pkg/mesh/ca", "pkg/mesh/xds"},
	"pkg/mesh/control":             {"pkg/mesh/ads", "pkg/mesh/jwks", "pkg/mesh/ca", "pkg/mesh/overlay", "pkg/mesh/translate", "pkg/mesh/xds", "pkg/orchestrator", "pkg/resource", "pkg/resource/istio", "pkg/resource/store"},
	"pkg/mesh/overlay":             {"pkg/resource/istio", "pkg/rpc/code"},
	"pkg/mesh/sidecar/agent":       {"pkg/mesh/ca", "pkg/mesh/xds"},
	"pkg/mesh/sidecar":             {"pkg/chassis/lifeline", "pkg/mesh/ca", "pkg/mesh/xds"},
	"pkg/mesh/sidecar/match":       {"pkg/mesh/sidecar/field"},
	"pkg/mesh/sidecar/route":       {"pkg/mesh/sidecar/field", "pkg/mesh/sidecar/match"},
	"pkg/mesh/sidecar/cluster":     {"pkg/mesh/sidecar/field", "pkg/mesh/sidecar/match"},
	"pkg/mesh/sidecar/rbac":        {"pkg/mesh/sidecar/field", "pkg/mesh/sidecar/match"},
	"pkg/mesh/sidecar/jwt":         {"pkg/mesh/sidecar/field", "pkg/mesh/sidecar/route"},
	"pkg/mesh/sidecar/h2/h2test":   {"pkg/mesh/sidecar/h2"},
	"pkg/mesh/sidecar/proxy":       {"pkg/mesh/sidecar/cluster", "pkg/mesh/sidecar/field", "pkg/mesh/sidecar/h2", "pkg/mesh/sidecar/jwt", "pkg/mesh/sidecar/match", "pkg/mesh/sidecar/rbac", "pkg/mesh/sidecar/record", "pkg/mesh/sidecar/route", "pkg/mesh/sidecar/wire", "pkg/mesh/xds"},

	"pkg/cli/token": {"pkg/cli/cmdutil", "pkg/cli/edit", "pkg/cli/iostreams", "pkg/control", "pkg/rpc/control", "services"},
	"pkg/cli/saga":  {"pkg/cli/cmdutil", "pkg/cli/iostreams", "pkg/court", "pkg/rpc/control"},
	"pkg/court":     {"pkg/chassis/lifeline", "pkg/rpc/control", "pkg/rpc/hipstershop", "pkg/rpc/money", "pkg/rpc/shopv1"},
}

// leaves are small tools that know nothing of the shop: every room may import them. They may import each other. A
// service and its chassis may not: they would run anywhere.
var leaves = []string{"pkg/broadcast", "pkg/cells", "pkg/connlimit", "pkg/eventually", "pkg/humanize", "pkg/jsonpath", "pkg/lazyregexp", "pkg/localuser", "pkg/logrecord", "pkg/printable", "pkg/promexpr", "pkg/protomux", "pkg/serviceaddr", "pkg/servicename", "pkg/shellword", "pkg/strictyaml", "pkg/suggest"}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestEveryPackageImportsOnlyWhatItsRoomMay(t *testing.T) {
	used := map[string]map[string]bool{} // packages that a grant was needed for
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		room := roomOf(from)
		for _, path := range p.Imports {
			to, ours := strings.CutPrefix(path, module)
			if !ours || within(to, from) {
				continue
			}
			if slices.Contains(leaves, to) && !slices.Contains([]string{"services", "pkg/chassis", "pkg/rpc"}, room) {
				continue
			}
			grants := 0
			for _, grant := range allowed[room] {
				if granted(to, grant) {
					use := room + " -> " + grant
					if used[use] == nil {
						used[use] = map[string]bool{}
					}
					used[use][to] = true
					grants++
				}
			}
			if grants == 0 {
				t.Errorf("%s imports %s: the room %q may import only %v", from, to, room, allowed[room])
			}
		}
	}
	for room, grants := range allowed {
		for _, grant := range grants {
			switch n := len(used[room+" -> "+grant]); {
			case n == 0:
				t.Errorf("no package of %q imports %q: remove the grant", room, grant)
			case n < 4 && strings.HasSuffix(grant, "/..."):
				t.Errorf("%q imports only %d packages of %q: name them", room, n, grant)
			}
		}
	}
}

func TestNoServiceImportsAnother(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		name, ok := strings.CutPrefix(from, "services/")
		if !ok || from == "services/setup" {
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

func TestTheCatalogOfServicesIsWithoutTheirCode(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			if p.ImportPath == module+"services" && strings.HasPrefix(path, module) {
				t.Errorf("services imports %s: commands import services for names, so what needs code belongs in services/setup", path)
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

// granted reports whether a grant includes a package.
func granted(pkg, grant string) bool {
	below, wide := strings.CutSuffix(grant, "/...")
	return pkg == grant || wide && within(pkg, below)
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
