package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
)

// hostileLines are the arguments with which each command meets foreign text. Those without any act on processes or on a
// screen of their own, and have tests for that.
func hostileLines(dir string) map[string][]string {
	manifest, traces := filepath.Join(dir, "bad.yaml"), filepath.Join(dir, "trace.json")
	return map[string][]string{
		"alerts": {""}, "alerts history": {"", "-o json"}, "alerts list": {"", "-o json"}, "alerts rules": {"", "-o json"},
		"label": {"deployment x a=b --overwrite"}, "annotate": {"deployment x a=b --overwrite"}, "patch": {"deployment x -p {}"}, "set image": {"deployment/x *=y"},
		"edit": {"deployment x", "-f " + manifest}, "wait": {"deployment x --for delete --timeout 1ms", "deployment --all --for condition=A --timeout 0", "-f " + manifest + " --for create"},
		"rollout status": {"cart --timeout 1ms"}, "rollout history": {"cart", "cart --revision 3"}, "rollout undo": {"cart"}, "rollout pause": {"cart"}, "rollout resume": {"cart"}, "rollout restart": {"cart"},
		"exec":         {"cart -- env", "cart -i -c y -- env", "pod/\x1b[2J -- env"},
		"port-forward": {"cart :80", "svc/cart \x1b[2J", "deployment/x 1:2"},
		"create":       {"-f " + manifest, "-f " + manifest + " --dry-run=client"}, "replace": {"-f " + manifest, "--force -f " + manifest}, "expose": {"deployment x", "svc/x"},
		"create configmap": {"x", "\x1b[2J"}, "create secret generic": {"x"}, "create secret tls": {"x --cert " + manifest + " --key " + manifest}, "create secret docker-registry": {"x"},
		"create namespace": {"x"}, "create serviceaccount": {"x"}, "create deployment": {"x --image \x1b[2J"},
		"create service clusterip": {"x --tcp 80"}, "create service nodeport": {"x --tcp 80"}, "create service loadbalancer": {"x --tcp 80"}, "create service externalname": {"x --external-name \x1b[2J"},
		"apply": {"-f " + manifest, "--dry-run -f " + manifest}, "diff": {"-f " + manifest}, "delete": {"deployment x", "-f " + manifest},
		"bus start": {"", "warehouse"}, "bus stop": {""}, "bus topics": {"", "-o json"}, "bus consumers": {"", "-o json"}, "bus tail": {"", "-o json"}, "bus publish": {"OrderPlaced --order x"}, "bus replay": {"warehouse"},
		"bus dead-letters list": {"", "-o json"}, "bus dead-letters redrive": {"--all"}, "bus dead-letters discard": {"1"},
		"issuer start": {"", "-o json"}, "issuer stop": {"", "-o json"}, "issuer rotate": {"", "-o json"}, "token": {"", "--hs256 -o json"},
		"canary": {"cart --to v2", "cart --to \x1b[2J -o json"}, "canary status": {"", "cart -o yaml"}, "canary pause": {"cart"}, "canary resume": {"cart"}, "canary promote": {"cart"}, "canary abort": {"cart"}, "switch": {"cart --to v2", "cart --back -o json", "cart --to \x1b[2J"},
		"call":         {"cart", "cart GetCart {}", "127.0.0.1:1 a.B/C {}", "cart --describe"},
		"config trust": {"", "--revoke"},
		"__bash":       {"shopctl 9", "shopctl 63"},
		"completion":   {"bash", "zsh", "fish", "powershell"},
		"describe":     {"deployment", "deployment x", "pods"},
		"down":         nil, "up": nil, "dash": nil, "daemon": nil, "doctor": nil, "service run": nil, "lesson guard": nil,
		"events": {"", "-o json", "cart"}, "logs": {"", "-o json", "cart --prefix", "cart cart", "-l a=b", "-l \x1b[2J", "--color always"},
		"export grafana": {dir + "/g"}, "export prometheus": {dir + "/p"},
		"export kubernetes": {"--dir " + dir + "/k", "--dir " + dir + "/l -o json", "--dir " + dir + "/m --image \x1b[2J"},
		"fault clear":       {"--all", "cart"}, "fault inject": {"cart --delay 1s"}, "fault list": {"", "-o json"},
		"get": {"deployment", "deployment x", "deployment -o json", "deployment -o name", "pods -o wide --show-labels", "all", "pods -o jsonpath={.items[*]}", "deploy -o custom-columns=A:.metadata"}, "http": {"GET /"},
		"lesson": {"nosuch", dir}, "lesson export": {dir + "/progress"}, "lesson import": {manifest}, "lesson lint": {dir}, "lesson list": {""},
		"lesson new": {"a/b"}, "lesson play": {dir}, "lesson reset": {"nosuch"}, "lesson schema": {""}, "lesson test": {dir},
		"load start": {""}, "load status": {"", "-o json"}, "load stop": {""}, "mail": {"", "--text", "-o json"},
		"map": {"", "-o json", "--ascii", "-o dot"}, "metrics list": {"", "-o json"}, "metrics query": {"up", "up --range 5m", "up --range 5m --plot"}, "metrics targets": {"", "-o json"},
		"mesh": nil, "mesh status": {"", "-o json"}, "mesh routes": {"cart", "cart -o json"}, "mesh clusters": {"cart"}, "mesh listeners": {"cart"}, "mesh endpoints": {"cart"}, "mesh secrets": {"cart", "cart -o yaml"},
		"mesh describe": {"cart"}, "mesh tap": {"", "-o json"}, "mesh explain": {"last", "last -o json"}, "mesh on": {"", "cart"}, "mesh off": {"", "cart"},
		"order list": {"", "-o json"}, "order show": {"last", "x -o json"}, "order follow": {"x"}, "order retry": {"x --reason y"}, "order cancel": {"x --reason y"},
		"ps": {"", "-o json", "--instances", "--wide"}, "restart": {"cart"}, "restore": {"", "cart"}, "review": {"", "--list"}, "scale": {"cart --replicas 2"}, "set env": {"cart A=b", "cart --list"},
		"saga prove": {"", "--service cart -o json"}, "start": {"cart"}, "status": {"", "-o json"}, "stop": {"cart"}, "top": {"", "-o json"}, "explain": {"deployment", "x\x1b[2J"}, "top pods": {"", "--containers -A", "-l app=x"},
		"trace diff": {"a b"}, "trace follow": {""}, "trace list": {"", "-o json"}, "trace open": {traces, traces + " show", traces + " sequence"}, "trace sequence": {"last"}, "trace show": {"last", "last -o json"},
		"image build": {"-o " + dir + "/i.tar --tag \x1b[2J", "-o i.tar --binary linux/amd64=" + manifest},
		"version":     {""},
	}
}

func TestNoForeignTextActsOnTheTerminal(t *testing.T) {
	for _, fail := range []bool{false, true} {
		w := clitest.NewWorld(t).ServeHostile(fail)
		w.Env["KUBE_EDITOR"] = "true"
		dir := t.TempDir()
		t.Chdir(dir)
		write(t, filepath.Join(dir, "bad.yaml"), `"\e[2Jx\nshopctl: error: forged\e]0;t\a": 1`)
		write(t, filepath.Join(dir, "lesson.md"), "---\n\"\\e[2Jx\\nshopctl: error: forged\": 1\n---\n"+clitest.Hostile)
		write(t, filepath.Join(dir, "trace.json"), hostileTrace)
		lines := hostileLines(dir)
		for _, cmd := range actions(cli.Tree()) {
			name := strings.TrimPrefix(cmd.CommandPath(), "shopctl ")
			variants, listed := lines[name]
			if !listed {
				t.Errorf("list %q, and with which arguments it meets foreign text", name)
			}
			for _, args := range variants {
				words := append(strings.Fields(name), strings.Fields(args)...)
				w.Out.Reset()
				w.Err.Reset()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				cli.Execute(ctx, w.F, words)
				cancel()
				checkHarmless(t, strings.Join(words, " "), w.Out.String(), strings.Contains(args, "--color"))
				checkHarmless(t, strings.Join(words, " "), w.Err.String(), false)
				if strings.Contains(w.Err.String(), "\nshopctl: error: forged") {
					t.Errorf("%q printed a forged message:\n%s", words, w.Err.String())
				}
			}
		}
	}
}

// hostileTrace is a span that names things in a hostile way, as JSON.
const hostileTrace = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a\u001b[2J\u202e\nshopctl: error: forged"}}]},
"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"n\u001b]0;t\u0007\nshopctl: error: forged",
"startTimeUnixNano":"1795985471000000000","endTimeUnixNano":"1795985471100000000","status":{"code":2,"message":"m\u009b2J\r\u0000"},"attributes":[{"key":"k\u001b","value":{"stringValue":"v\u202e"}}]}]}]}]}`

func actions(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	if cli.Acts(cmd) && cmd.HasParent() {
		all = append(all, cmd)
	}
	for _, c := range cmd.Commands() {
		all = append(all, actions(c)...)
	}
	return all
}

func checkHarmless(t *testing.T, line, text string, colors bool) {
	t.Helper()
	if colors {
		text = strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "", "\x1b[2m", "", "\x1b[36m", "").Replace(text)
	}
	if !utf8.ValidString(text) {
		t.Errorf("%s printed bytes that are not UTF-8: %q", line, text)
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			t.Errorf("%s printed %U: %q", line, r, text)
			break
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
