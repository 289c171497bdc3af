package pkg_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/json.md")

// printed are the commands that print a type as JSON, by the package below pkg/cli and the type's name.
var printed = map[string]string{
	"versionOutput": "version", "call.callView": "call SERVICE METHOD", "call.methodsView": "call SERVICE", "call.servicesView": "call SERVICE list",
	"bus.topicsView": "bus topics", "bus.consumersView": "bus consumers", "bus.storedView": "bus tail, one line each", "bus.publishedView": "bus publish TYPE", "bus.replayView": "bus replay CONSUMER",
	"token.tokenView": "token", "token.rotated": "issuer rotate",
	"bus.lettersView":  "bus dead-letters list",
	"call.measureView": "call SERVICE METHOD --repeat 100", "call.statusView": "call SERVICE METHOD --format-error, on standard error", "call.httpView": "http PATH", "edit.list": "get, with several objects",
	"delivery.canariesView": "canary status", "delivery.switchView": "switch SERVICE", "fault.faultsView": "fault list", "load.Status": "load status", "lesson.lessonEvent": "lesson ID --json, one line each", "lesson.lessonsView": "lesson list", "lesson.problemsView": "lesson lint",
	"lesson.proofsView": "lesson test", "lesson.reviewView": "review --list", "mesh.explainView": "mesh explain TRACE", "mesh.secretView": "mesh secrets SERVICE",
	"mesh.statusView": "mesh status", "mesh.tapView": "mesh tap, one line each", "observe.alertChangeView": "alerts history, one line each", "observe.alertRulesView": "alerts rules",
	"observe.alertsView": "alerts", "observe.eventView": "events, one line each", "observe.logView": "logs, one line each", "observe.mapView": "map", "observe.metricsView": "metrics list",
	"observe.queryView": "metrics query", "observe.sequenceView": "trace sequence TRACE", "observe.targetsView": "metrics targets", "observe.topView": "top", "top.podsView": "top pods",
	"observe.traceDiffView": "trace diff A B", "observe.traceView": "trace show TRACE", "observe.tracesView": "trace list", "order.listView": "order list",
	"saga.verdictView": "saga prove",
	"shop.doctorView":  "doctor", "shop.mailsView": "mail", "shop.servicesView": "ps", "shop.statusView": "status",
}

// alike are the commands whose output is that of another section, or is not ours.
var alike = map[string]string{
	"alerts list": "as alerts", "fault inject": "as fault list", "fault clear": "as fault list", "up": "as status",
	"order show": "an order of order list", "order cancel": "an order of order list", "order retry": "an order of order list", "order follow": "an order of order list, one line each",
	"bus dead-letters redrive": "as bus dead-letters list", "bus dead-letters discard": "as bus dead-letters list",
	"trace follow": "a trace of trace list, one line each", "trace open": "what trace show or trace list prints of the file",
	"canary pause": "a canary of canary status", "canary resume": "a canary of canary status", "canary promote": "a canary of canary status", "canary abort": "a canary of canary status",
	"mesh clusters": "Envoy's resources, a list", "mesh endpoints": "Envoy's resources, a list", "mesh listeners": "Envoy's resources, a list", "mesh routes": "Envoy's resources, a list",
}

// changing are the commands that print the objects which they change.
const changing = "the objects that it changes"

// others describes the commands with -o json that have no section, by docs/cli.
func others(t *testing.T, sections map[string]string) string {
	t.Helper()
	paths, err := filepath.Glob("../docs/cli/shopctl-*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages of commands: %v", err)
	}
	rows := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		title, rest, _ := strings.Cut(string(content), "\n")
		command := strings.TrimPrefix(title, "# shopctl ")
		if !strings.Contains(rest, "output format: ") || !strings.Contains(rest, "json") || hasSection(sections, command) {
			continue
		}
		if rows[command] = alike[command]; rows[command] == "" {
			rows[command] = changing
		}
	}
	for command := range alike {
		if rows[command] == "" {
			t.Errorf("%q has no -o json, or a section: drop it from the table of this test", command)
		}
	}
	var out strings.Builder
	for _, command := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&out, "| `shopctl %s` | %s |\n", command, rows[command])
	}
	return out.String()
}

// hasSection reports whether a section is about a command.
func hasSection(sections map[string]string, command string) bool {
	for section := range sections {
		if section == command || strings.HasPrefix(section, command+",") || strings.HasPrefix(section, command+" ") {
			return true
		}
	}
	return false
}

// TestThePageOfJSONHasTheFieldsOfAllOutput generates docs/json.md from the types that commands print and compares.
func TestThePageOfJSONHasTheFieldsOfAllOutput(t *testing.T) {
	p := readOutputs(t)
	page := p.page(t)
	p.meanings.complete(t)
	const path = "../docs/json.md"
	if *update {
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(have, page) {
		t.Errorf("%v: docs/json.md is stale: go test ./pkg -run PageOfJSON -update", err)
	}
}

// outputs are the struct types below pkg/cli that have names for JSON, by package and name, what their fields mean, and which types
// a command prints.
type outputs struct {
	types    map[string]*ast.StructType
	meanings meanings
	used     map[string]bool
}

func readOutputs(t *testing.T) outputs {
	t.Helper()
	files, err := filepath.Glob("cli/*/*.go")
	own, ownErr := filepath.Glob("cli/*.go")
	load, loadErr := filepath.Glob("load/status.go")
	if err != nil || ownErr != nil || loadErr != nil {
		t.Fatal(err, ownErr, loadErr)
	}
	all := outputs{types: map[string]*ast.StructType{}, meanings: readMeanings(t), used: map[string]bool{}}
	for _, path := range slices.Concat(files, own, load) {
		dir := filepath.Base(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") || dir == "clitest" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return jsonName(f) != "" }) {
				all.types[strings.TrimPrefix(dir+"."+spec.Name.Name, "cli.")] = s
			}
			return true
		})
	}
	return all
}

// jsonName is a field's name in JSON; empty if it has none.
func jsonName(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	return strings.TrimPrefix(name, "-")
}

// page is the whole document, a section for each command.
func (p outputs) page(t *testing.T) []byte {
	sections := map[string]string{}
	for name, command := range printed {
		if p.types[name] == nil {
			t.Errorf("there is no type %s in pkg/cli: drop it from the table of this test", name)
			continue
		}
		var rows strings.Builder
		p.rows(&rows, name, "", []string{name})
		sections[command] = rows.String()
	}
	rest := others(t, sections)
	for name := range p.types {
		if !p.used[name] {
			t.Errorf("say in the table of this test which command prints the type %s of pkg/cli", name)
		}
	}
	var page bytes.Buffer
	page.WriteString(`# JSON output

The fields of each command's ` + "`-o json`" + `, and of ` + "`-o yaml`" + `, which has the same. Fields are added, and neither renamed nor taken away.
` + "`a.b`" + ` is a field of an object, ` + "`a[].b`" + ` one of each element of an array, ` + "`a.*.b`" + ` one of each value of an object with free names. Objects that ` + "`get`" + `
prints have the fields of Kubernetes and Istio. Times are in RFC 3339. This page is generated from the types.
`)
	for _, command := range slices.Sorted(maps.Keys(sections)) {
		fmt.Fprintf(&page, "\n## %s\n\n| field | type | meaning |\n|---|---|---|\n%s", command, sections[command])
	}
	page.WriteString("\n## The others\n\n| command | what it prints |\n|---|---|\n" + rest)
	return page.Bytes()
}

// rows writes the fields of a type, those of types within it after them. above are the types that it is within.
func (p outputs) rows(out *strings.Builder, name, prefix string, above []string) {
	p.used[name] = true
	dir := ""
	if at := strings.LastIndexByte(name, '.'); at >= 0 {
		dir = name[:at+1]
	}
	for _, f := range p.types[name].Fields.List {
		key := jsonName(f)
		kind, inner, path := p.kind(f.Type, dir)
		if key == "" {
			if len(f.Names) == 0 && inner != "" {
				p.rows(out, inner, prefix, append(above, inner)) // embedded
			}
			continue
		}
		if strings.Contains(f.Tag.Value, ",omitempty") {
			kind += ", may be missing"
		}
		meaning := p.meanings.of(name, key, f.Doc.Text()+" "+f.Comment.Text())
		fmt.Fprintf(out, "| `%s%s` | %s | %s |\n", prefix, key, kind, strings.ReplaceAll(meaning, "|", `\|`))
		if inner != "" && !slices.Contains(above, inner) {
			p.rows(out, inner, prefix+key+path+".", append(slices.Clone(above), inner))
		}
	}
}

// kind is a type's name in JSON; the type of ours within it, if there is one, and how a path leads into it.
func (p outputs) kind(e ast.Expr, dir string) (kind, inner, path string) {
	switch e := e.(type) {
	case *ast.StarExpr:
		kind, inner, path = p.kind(e.X, dir)
		return kind + " or null", inner, path
	case *ast.ArrayType:
		kind, inner, path = p.kind(e.Elt, dir)
		return "array of " + kind, inner, "[]" + path
	case *ast.MapType:
		kind, inner, path = p.kind(e.Value, dir)
		return "object of " + kind, inner, ".*" + path
	case *ast.SelectorExpr:
		switch e.Sel.Name {
		case "Time":
			return "time, RFC 3339", "", ""
		case "Duration":
			return "number, of nanoseconds", "", ""
		}
		return "any", "", ""
	case *ast.Ident:
		switch {
		case p.types[dir+e.Name] != nil:
			return "object", dir + e.Name, ""
		case strings.HasPrefix(e.Name, "int"), strings.HasPrefix(e.Name, "uint"), strings.HasPrefix(e.Name, "float"):
			return "number", "", ""
		case e.Name == "bool":
			return "boolean", "", ""
		case e.Name == "string":
			return "string", "", ""
		}
	}
	return "any", "", ""
}
