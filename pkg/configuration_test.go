package pkg_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// readers are the functions of ours whose first argument is the name of a variable.
var readers = []string{"Getenv", "getenv", "LookupEnv", "Env", "EnvBool", "EnvInt", "EnvFloat", "EnvDuration"}

// foreign are variables that are handed on to other programs and not read here.
var foreign = []string{"GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "XDG_CACHE_HOME", "PATH", "XDG_DATA_HOME"}

func TestTheConfigurationPageNamesAllVariablesAndKeys(t *testing.T) {
	content, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("`([A-Za-z_]+)`").FindAllStringSubmatch(string(content), -1) {
		documented[m[1]] = true
	}
	variables, keys := configured(t)
	for _, name := range variables {
		if !documented[name] && !slices.Contains(foreign, name) {
			t.Errorf("describe the variable %s in docs/configuration.md", name)
		}
	}
	for _, key := range keys {
		if !documented[key] {
			t.Errorf("describe the key %s of shopctl.yaml in docs/configuration.md", key)
		}
	}
	if len(variables) < 50 || len(keys) < 13 {
		t.Errorf("the code has %d variables and %d keys: the test looks in the wrong place", len(variables), len(keys))
	}
	for name := range documented {
		if strings.HasPrefix(name, "SHOPCTL_") && !slices.Contains(variables, name) {
			t.Errorf("docs/configuration.md describes %s, which no code reads", name)
		}
	}
}

// configured returns the variables that code other than tests reads, and the keys of shopctl.yaml.
func configured(t *testing.T) (variables, keys []string) {
	t.Helper()
	address := regexp.MustCompile(`^(SHOPCTL_[A-Z_]+|[A-Z_]+_ADDR)$`)
	for _, file := range sources(t, ".", "../services") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if len(n.Args) > 0 && slices.Contains(readers, calledName(n)) {
					if name, ok := stringOf(n.Args[0]); ok {
						variables = append(variables, name)
					}
				}
			case *ast.CompositeLit: // {"portBase", "port-base", "SHOPCTL_PORT_BASE"}
				if key, ok := keyOf(n); ok {
					keys = append(keys, key)
				}
			case *ast.BasicLit:
				if name, ok := stringOf(n); ok && address.MatchString(name) {
					variables = append(variables, name)
				}
			}
			return true
		})
	}
	slices.Sort(variables)
	return slices.Compact(variables), keys
}

// sources parses the Go files below some directories, tests and generated code left out.
func sources(t *testing.T, dirs ...string) []*ast.File {
	t.Helper()
	var files []*ast.File
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".pb.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			files = append(files, file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func keyOf(lit *ast.CompositeLit) (string, bool) {
	if len(lit.Elts) != 3 {
		return "", false
	}
	env, ok := stringOf(lit.Elts[2])
	if !ok || !strings.HasPrefix(env, "SHOPCTL_") {
		return "", false
	}
	return stringOf(lit.Elts[0])
}

func stringOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
