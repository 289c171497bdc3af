package main_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/shopctl/shopctl/pkg/eventually"
)

// machine is a home with the real binary, a running shop, and a program that must not run.
type machine struct {
	t       *testing.T
	dir     string
	environ []string
	// canary is written by the program; evil is a command that is the program, as a JSON list.
	canary, evil string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t: t, dir: dir, canary: filepath.Join(dir, "canary")}
	m.evil = fmt.Sprintf(`["sh", "-c", "echo > %s; sleep 60"]`, m.canary)
	m.environ = []string{
		"PATH=" + binary.dir + ":" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "SHOPCTL_RUN_DIR=" + filepath.Join(dir, "run"),
		"SHOPCTL_STATE_DIR=" + filepath.Join(dir, "state"), "SHOPCTL_RANDOM_PORTS=1", "TERM=dumb", "TMPDIR=" + dir,
	}
	m.put("home/.config/shopctl/shopctl.yaml", "images: {mapped: "+m.evil+"}\n")
	m.put("bin/redis-server", "#!/bin/sh\necho > "+m.canary+"\nexec sleep 60\n")
	if err := os.Chmod(filepath.Join(dir, "bin", "redis-server"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.shopctl("", "down", "--all", "--now", "-q") })
	return m
}

// put writes a file below the home's directory.
func (m *machine) put(name, content string) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// shopctl runs a command and returns what it prints on both streams.
func (m *machine) shopctl(input string, args ...string) string {
	return m.typed(strings.NewReader(input), args...)
}

// typed runs shopctl with standard input from a reader, to the reader's end.
func (m *machine) typed(input io.Reader, args ...string) string {
	cmd := exec.CommandContext(m.t.Context(), filepath.Join(binary.dir, "shopctl"), args...)
	if m.t.Context().Err() != nil { // in a cleanup
		cmd = exec.Command(cmd.Path, args...)
	}
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = m.dir, m.environ, input, &out, &out
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(&out, err)
	}
	return out.String()
}

// hostile is a lesson by another author that tries to do what it may not.
type hostile struct {
	// run are the commands of its only step, and do what the learner does then, as JSON input.
	run, do string
	files   map[string]string
	// prepare changes the lesson's directory.
	prepare func(dir string) error
	want    string
}

// write makes the lesson's directory.
func (h hostile) write(m *machine, name string) string {
	run := h.run
	if run == "" {
		run = "shopctl ps"
	}
	m.put("packs/"+name+"/lesson.md", "---\nid: grpc\ntitle: T\nsummary: S\ntrack: communication\nminutes: 5\nsteady_state:\n"+
		"  - {id: up, title: the catalog is up, instance: {service: catalog, state: ok}}\n---\n\n## One {#one}\n\nRun.\n\n```sh run\n"+run+"\n```\n")
	for file, content := range h.files {
		m.put("packs/"+name+"/"+file, content)
	}
	return filepath.Join(m.dir, "packs", name)
}

// pod is a Deployment with the fields of a container and of its pod.
func pod(container, rest string) string {
	return `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "evil"}, "spec": {"selector": {"matchLabels": {"app": "evil"}}, ` +
		`"template": {"metadata": {"labels": {"app": "evil"}}, "spec": {` + rest + `"containers": [{"name": "a", ` + container + `}]}}}}`
}

// applying is a lesson that applies a file.
func applying(file, text, want string) hostile {
	return hostile{run: "shopctl apply -f " + file, files: map[string]string{file: text}, want: want}
}

func utf16Text(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// programs are lessons that name a program.
func programs(m *machine) map[string]hostile {
	const runs = "a lesson by another author cannot choose what runs"
	command := `"image": "catalog", "\u0063ommand": ` + m.evil
	plain := pod(strings.Replace(command, `\u0063`, "c", 1), "")
	pair := strings.Replace(pod(command, ""), `"name": "evil"}`, `"name": "evil", "annotations": {"x": "\ud83d\ude00"}}`, 1)
	probe := func(kind string) string {
		return pod(`"image": "catalog", "`+kind+`": {"exec": {"command": `+m.evil+`}}`, "")
	}
	redis := filepath.Join(m.dir, "bin", "redis-server")
	return map[string]hostile{
		"command":          applying("x.yaml", plain, runs),
		"surrogates":       applying("x.json", pair, runs),
		"line-separator":   applying("x.json", strings.Replace(pair, `\ud83d\ude00`, "\u2028\u0085", 1), runs),
		"escaped-key":      applying("x.txt", pod(command, ""), runs),
		"tag":              applying("x.yaml", strings.Replace(plain, `"command"`, `!!str "command"`, 1), ""),
		"merge-key":        applying("x.yaml", pod(`"image": "catalog", <<: {"command": `+m.evil+`}`, ""), runs),
		"anchor":           applying("x.yaml", pod(`"image": "catalog", "args": &a `+m.evil+`, "command": *a`, ""), runs),
		"documents":        applying("x.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n"+plain, runs),
		"list":             applying("x.yaml", `{"apiVersion": "v1", "kind": "List", "items": [`+plain+`]}`, runs),
		"byte-order-mark":  applying("x.yaml", "\ufeff"+plain, runs),
		"utf-16":           applying("x.yaml", utf16Text(plain), runs),
		"broken":           applying("x.yaml", plain+"\n[", "not valid YAML"),
		"init-container":   applying("x.yaml", pod(`"image": "catalog"`, `"initContainers": [{"name": "i", "image": "catalog", "command": `+m.evil+`}], `), runs),
		"ephemeral":        applying("x.yaml", pod(`"image": "catalog"`, `"ephemeralContainers": [{"name": "i", "image": "catalog", "command": `+m.evil+`}], `), "ephemeralContainers"),
		"post-start":       applying("x.yaml", pod(`"image": "catalog", "lifecycle": {"postStart": {"exec": {"command": `+m.evil+`}}}`, ""), runs),
		"startup-probe":    applying("x.yaml", probe("startupProbe"), runs),
		"readiness-probe":  applying("x.yaml", probe("readinessProbe"), runs),
		"liveness-probe":   applying("x.yaml", probe("livenessProbe"), runs),
		"mapped-image":     applying("x.yaml", pod(`"image": "mapped:v1"`, ""), `"mapped:v1" is not a built-in service`),
		"variable":         applying("x.yaml", pod(`"image": "redis", "env": [{"name": "REDIS_SERVER", "value": "`+redis+`"}]`, ""), "variable REDIS_SERVER: "+runs),
		"set-env":          {run: "shopctl set env redis-cart REDIS_SERVER=" + redis, want: "variable REDIS_SERVER: " + runs},
		"set-loader":       {run: "shopctl set env catalog LD_PRELOAD=x", want: "variable LD_PRELOAD: a lesson by another author"},
		"set-own-program":  {run: "shopctl set env own LOG_LEVEL=debug", want: `"own" is not a built-in service`},
		"own-programs-map": applying("x.yaml", `{apiVersion: v1, kind: ConfigMap, metadata: {name: own}, data: {CODE: evil}}`, "it runs a program of yours"),
		"env-from": {
			run:   "shopctl apply -f a.yaml\nshopctl apply -f b.yaml",
			files: map[string]string{"a.yaml": `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {REDIS_SERVER: "` + redis + `"}}`, "b.yaml": pod(`"image": "redis", "envFrom": [{"configMapRef": {"name": "c"}}]`, "")},
			want:  "variable REDIS_SERVER: " + runs,
		},
		"config-map-later": {
			run:   "shopctl apply -f b.yaml\nshopctl apply -f a.yaml\nshopctl restart evil",
			files: map[string]string{"a.yaml": `{apiVersion: v1, kind: Secret, metadata: {name: c}, stringData: {SERVER: "` + redis + `"}}`, "b.yaml": pod(`"image": "redis", "envFrom": [{"prefix": "REDIS_", "secretRef": {"name": "c", "optional": true}}]`, "")},
			want:  "variable REDIS_SERVER: " + runs,
		},
		"guard":      {run: "shopctl guard -- sh -c 'echo > " + m.canary + "'", want: "cannot run this verb"},
		"completion": {run: "shopctl __complete apply -f ''", want: "cannot run this verb"},
		"script":     {files: map[string]string{"testdata/solution.txtar": "step one\nwrite x.yaml\nshopctl apply -f x.yaml\n-- x.yaml --\n" + plain}, want: runs},
		"typed":      {do: "shopctl guard -- sh\nshopctl set env redis-cart REDIS_SERVER=" + redis, want: "variable REDIS_SERVER: " + runs},
	}
}

// ways are lessons that reach for what is not theirs.
func ways(m *machine) map[string]hostile {
	const cannot = "a lesson by another author cannot do this"
	evil := m.put("evil/testdata/evil.yaml", pod(`"image": "catalog", "command": `+m.evil, ""))
	m.put("evil/k.proto", `syntax = "proto3"; message M {} service S { rpc Get(M) returns (M); }`)
	link := func(target string) func(string) error {
		return func(dir string) error { return os.Symlink(target, filepath.Join(dir, "x.yaml")) }
	}
	return map[string]hostile{
		"file-elsewhere": {run: "shopctl apply -f " + evil, want: "is not one of the lesson's files"},
		"file-above":     {run: "shopctl apply -f ../../../evil/testdata/evil.yaml", want: "is not one of the lesson's files"},
		"file-unscanned": {run: "shopctl apply -f testdata/evil.yaml", files: map[string]string{"testdata/evil.yaml": "x"}, want: "no such file"},
		"url":            {run: "shopctl apply -f http://127.0.0.1:1/x.yaml", want: "no such file"},
		"call-pipe":      {run: `shopctl call 127.0.0.1:1 K/Get '{}' | shopctl apply -f -`, want: "it reads only what get"},
		"call-elsewhere": {run: "shopctl call 127.0.0.1:1 K/Get '{}'", want: cannot + ": call 127.0.0.1:1"},
		"contract":       {run: "shopctl call catalog ListProducts --proto ../../../evil/k.proto", want: "is not one of the lesson's files"},
		"other-shop":     {run: "shopctl stop payment --name second", want: cannot + ": --name"},
		"other-shop-2":   {run: "shopctl stop payment -q --name=second", want: cannot + ": --name"},
		"inline":         {run: "SHOPCTL_NAME=second shopctl stop payment", want: "only shopctl commands can be run"},
		"namespace-flag": {run: "shopctl apply -f x.yaml -qn other", files: map[string]string{"x.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"}, want: cannot + ": --namespace"},
		"namespace":      applying("x.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}", "changes only objects in the shop's namespace"),
		"new-namespace":  applying("x.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: mine}}", "changes only objects in the shop's namespace"),
		"export":         {run: "shopctl export grafana", want: "cannot run this verb"},
		"up":             {run: "shopctl up --name third", want: "cannot run this verb"},
		"review":         {run: "shopctl review", want: "cannot run this verb"},
		"user's-fault":   {run: "shopctl fault clear --all", want: "shopctl fault clear --all"},
		"device":         {prepare: link("/dev/zero"), want: "x.yaml: it is a symbolic link"},
		"shadow":         {prepare: link("/etc/shadow"), want: "x.yaml: it is a symbolic link"},
		"directory":      {prepare: link("/etc"), want: "x.yaml: it is a symbolic link"},
		"pipe":           {prepare: func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "x.yaml"), 0o600) }, want: "x.yaml: it is a named pipe"},
		"setuid": {
			files:   map[string]string{"x": ""},
			prepare: func(dir string) error { return os.Chmod(filepath.Join(dir, "x"), fs.ModeSetuid|0o700) }, want: "x: it has the setuid or setgid bit",
		},
		"gigabyte": {
			files:   map[string]string{"x.yaml": ""},
			prepare: func(dir string) error { return os.Truncate(filepath.Join(dir, "x.yaml"), 1<<30) }, want: "x.yaml: it has 1024.0 MiB",
		},
		"configuration": {files: map[string]string{"sub/shopctl.yaml": "name: second"}, want: "a lesson cannot contain a shopctl.yaml"},
		"no-rollback":   {run: "shopctl delete deployment paymentservice\nshopctl scale email --replicas 5\nshopctl fault inject catalog --delay 1ms\nshopctl stop ad\nshopctl load start --rate 1\nshopctl apply -f x.yaml", files: map[string]string{"x.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"}, want: "configmap/a created"},
	}
}

func TestHostileLessonsRunNothingAndChangeNothing(t *testing.T) {
	m := newMachine(t)
	for _, args := range [][]string{{"up", "--only", "catalog,redis-cart"}, {"up", "--name", "second", "--only", "payment"}} {
		if out := m.shopctl("", args...); !strings.Contains(out, "1/1 services healthy") {
			t.Fatal(out)
		}
	}
	own := m.put("own.yaml", `{apiVersion: v1, kind: ConfigMap, metadata: {name: own}, data: {CODE: mine}}`+"\n---\n"+strings.ReplaceAll(
		pod(`"image": "own", "command": ["sleep", "600"], "envFrom": [{"configMapRef": {"name": "own"}}]`, ""), "evil", "own"))
	m.shopctl("", "apply", "-f", own)
	m.shopctl("", "fault", "inject", "catalog", "--delay", "1ms", "--for", "1h")
	state := func() string {
		return m.shopctl("", "get", "deployments", "-A", "-o", "name") + m.shopctl("", "get", "configmaps", "-A", "-o", "name") + m.shopctl("", "get", "secrets", "-o", "name") + m.shopctl("", "fault", "list", "-o", "name")
	}
	before := state()
	if !strings.Contains(before, "f1") {
		t.Fatal(before)
	}
	for _, lessons := range []map[string]hostile{programs(m), ways(m)} {
		for name, h := range lessons {
			dir := h.write(m, name)
			if h.prepare != nil {
				if err := h.prepare(dir); err != nil {
					t.Fatal(err)
				}
			}
			if out := m.shopctl("run\n"+h.do+"\n", "lesson", dir, "--json"); !strings.Contains(unescaped(out), h.want) {
				t.Errorf("%s: want %q in:\n%s", name, h.want, out)
			}
			if _, err := os.Stat(m.canary); err == nil {
				t.Fatalf("%s: a program has run", name)
			}
		}
	}
	if after := state(); after != before {
		t.Errorf("the shop before:\n%safter:\n%s", before, after)
	}
	if out := m.shopctl("", "--name", "second", "ps", "payment"); !strings.Contains(out, "1/1") {
		t.Errorf("the other shop: %s", out)
	}
	if out := m.shopctl("", "lesson", "list"); strings.Contains(out, "of 5, at") || strings.Contains(out, "done") {
		t.Errorf("the built-in lesson has progress: %s", out)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "state", "lessons.d", "grpc")); err == nil {
		t.Error("the built-in lesson's workspace was used")
	}
}

// unescaped is JSON output as text, as far as it is searched for.
func unescaped(out string) string { return strings.ReplaceAll(out, `\"`, `"`) }

// The same program runs if the user trusts the lesson: it is the limits that keep it from running above.
func TestATrustedLessonRunsAProgram(t *testing.T) {
	m := newMachine(t)
	m.shopctl("", "up", "--only", "catalog")
	dir := applying("x.yaml", pod(`"image": "catalog", "command": `+m.evil, ""), "").write(m, "trusted")
	m.put("packs/trusted/x.yaml", pod(`"image": "catalog", "command": `+m.evil, ""))
	// The lesson is left, and undone, once the program has run.
	left := reader(func([]byte) (int, error) {
		eventually.True(t, "the program has run", func() bool {
			_, err := os.Stat(m.canary)
			return err == nil
		})
		return 0, io.EOF
	})
	m.typed(io.MultiReader(strings.NewReader("run\n"), left), "lesson", "play", dir, "--trust", "--json")
}

// reader is a function as an io.Reader.
type reader func([]byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }
