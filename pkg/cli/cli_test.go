package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
)

func TestAnUnknownCommandSuggestsTheNearest(t *testing.T) {
	w := clitest.NewWorld(t)
	for line, hint := range map[string]string{
		"stauts":         "shopctl: hint: shopctl status\n",
		"set evn":        "shopctl: hint: shopctl set env\n",
		"zzzzzz":         "shopctl: hint: shopctl --help\n",
		"help stauts":    "shopctl: hint: shopctl status\n",
		"version --nope": "shopctl: hint: shopctl version --help\n",
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		w.WantErr("shopctl: error: ", hint)
		if w.Out.Len() > 0 {
			t.Errorf("%s: an error wrote to standard output: %q", line, w.Out.String())
		}
	}
}

func TestTooManyArgumentsAreAUsageError(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitUsage, "status", "now")
	w.WantErr(`unexpected argument "now": the command takes none`)
	w.Want(cmdutil.ExitUsage, "events", "cart", "payment")
	w.WantErr(`unexpected argument "payment": the command takes one service`)
}

func TestAFlagOfAWrongTypeIsReportedInPlainWords(t *testing.T) {
	w := clitest.NewWorld(t)
	for line, text := range map[string]string{
		"scale cart --replicas many":              `read --replicas "many": want a whole number`,
		"load start --rate fast":                  `read --rate "fast": want a number`,
		"load start --seed -1":                    `read --seed "-1": want a whole number that is not below zero`,
		"call cart --deadline soon":               `read --deadline "soon": want a duration, such as 500ms, 30s or 2m`,
		"ps -o xml":                               "must be one of table, json, yaml, name",
		"call cart GetCart --describe --template": "--describe and --template cannot be combined",
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		w.WantErr("shopctl: error: ", text, "shopctl: hint: shopctl ")
	}
}

func TestAllHintsAreForTheShopAtHand(t *testing.T) {
	w := clitest.NewWorld(t)
	w.F.IO.ShopName = "second"
	for hint, want := range map[string]string{
		"shopctl ps":                  "shopctl --name second ps",
		"shopctl --name second up":    "shopctl --name second up",
		"did you mean cart?":          "did you mean cart?",
		"/bin/shopctl service run ad": "/bin/shopctl service run ad",
	} {
		w.Err.Reset()
		cmdutil.Report(t.Context(), w.F.IO, control.Error(codes.NotFound, "no", hint, 0))
		w.WantErr("shopctl: hint: " + want + "\n")
	}
}

func TestHelpHasUsageFlagsAndExitCodes(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "scale", "--help")
	w.WantOut("Usage:\n  shopctl scale SERVICE... --replicas N", "--replicas NUMBER", "Global flags:", "Exit codes:\n  0  ok\n", "  3  the shop is not running\n")
	w.Want(cmdutil.ExitOK, "help", "exit-codes")
	w.WantOut("  130  interrupted\n")
	w.Want(cmdutil.ExitOK, "lesson", "--help") // does something itself, and holds others
	w.WantOut("Usage:\n  shopctl lesson [LESSON | DIR] [flags]\n  shopctl lesson COMMAND\n", "  0    ok\n")
	w.Want(cmdutil.ExitOK)
	w.WantOut("shopctl COMMAND", "The shop:\n", "  status ", "Kubernetes objects:\n")
}

func TestEveryCommandHasAShortTextAndLinesThatFit(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" {
			t.Errorf("%s has no short text", cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(cli.NewRoot(clitest.NewWorld(t).F))
}

func TestTheVersionNeedsNoShopAndNoConfiguration(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Env["SHOPCTL_CONFIG"] = filepath.Join(t.TempDir(), "missing.yaml")
	w.Want(cmdutil.ExitOK, "version", "-o", "json")
	var v map[string]any
	if err := json.Unmarshal(w.Out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"version", "revision", "go", "platform"} {
		if _, ok := v[key]; !ok {
			t.Errorf("the version lacks %s: %v", key, v)
		}
	}
}

func TestCompletionScriptsAreThereForFourShells(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		w.Want(cmdutil.ExitOK, "completion", shell)
		w.WantOut("shopctl")
	}
	w.Want(cmdutil.ExitUsage, "completion", "tcsh")
	w.Want(cmdutil.ExitUsage, "completion")
}

func TestCompletionIsLiveAndWorksWithTheShopDown(t *testing.T) {
	down := clitest.NewWorld(t)
	down.Want(cmdutil.ExitOK, "__complete", "restart", "")
	down.WantOut("catalog\n", "shipping\n")
	down.Want(cmdutil.ExitOK, "__complete", "get", "deployments", "")
	down.WantOut("productcatalogservice\n")
	down.Want(cmdutil.ExitOK, "__complete", "get", "")
	down.WantOut("deployments\n", "secrets\n")
	down.Want(cmdutil.ExitOK, "__complete", "ps", "-o", "")
	down.WantOut("json\n", "yaml\n")

	up := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices(), Objects: clitest.SomeObjects()})
	up.Want(cmdutil.ExitOK, "__complete", "restart", "cart", "")
	if got, want := up.Out.String(), "payment\nredis-cart\n:4\n"; got != want {
		t.Errorf("completed %q, want %q", got, want)
	}
	up.Want(cmdutil.ExitOK, "__complete", "describe", "configmaps", "")
	up.WantOut("colors\n")
}

func TestColorFollowsTheTerminalAndTheUser(t *testing.T) {
	for _, c := range []struct {
		tty  bool
		env  map[string]string
		args []string
		want bool
	}{
		{tty: false, want: false},
		{tty: true, want: true},
		{tty: true, env: map[string]string{"NO_COLOR": "1"}, want: false},
		{tty: true, env: map[string]string{"TERM": "dumb"}, want: false},
		{tty: true, args: []string{"--color", "never"}, want: false},
		{tty: false, args: []string{"--color=always"}, want: true},
		{tty: false, env: map[string]string{"SHOPCTL_COLOR": "always"}, want: true},
	} {
		w := clitest.NewWorld(t)
		w.F.IO.OutTTY = c.tty
		for k, v := range c.env {
			w.Env[k] = v
		}
		w.Want(cmdutil.ExitNotRunning, append([]string{"ps"}, c.args...)...)
		if w.F.IO.Color != c.want {
			t.Errorf("%+v: colour is %v", c, w.F.IO.Color)
		}
	}
}

func TestTheTerminalUIStartsOnTerminalsAlone(t *testing.T) {
	for _, c := range []struct {
		change func(*clitest.World)
		want   bool
	}{
		{func(*clitest.World) {}, true},
		{func(w *clitest.World) { w.F.IO.InTTY = false }, false},
		{func(w *clitest.World) { w.F.IO.OutTTY = false }, false},
		{func(w *clitest.World) { w.F.IO.NoTUI = true }, false},
		{func(w *clitest.World) { w.Env["CI"] = "true" }, false},
		{func(w *clitest.World) { w.Env["TERM"] = "dumb" }, false},
	} {
		w := clitest.NewWorld(t)
		w.F.IO.InTTY, w.F.IO.OutTTY = true, true
		c.change(w)
		if got := cmdutil.Interactive(w.F.IO, w.F.Getenv); got != c.want {
			t.Errorf("interactive is %v, want %v, in %v", got, c.want, w.Env)
		}
	}
}

func TestSettingsComeFromFlagThenEnvironmentThenFile(t *testing.T) {
	w := clitest.NewWorld(t)
	path := filepath.Join(t.TempDir(), "shopctl.yaml")
	if err := os.WriteFile(path, []byte("name: from-file\nimages:\n  myapp: [./myapp, --fast]\n  other: ./other -v\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Env["SHOPCTL_CONFIG"] = path
	w.Want(cmdutil.ExitNotRunning, "ps")
	w.WantErr(`"from-file"`)
	w.Env["SHOPCTL_NAME"] = "from-env"
	w.Want(cmdutil.ExitNotRunning, "ps")
	w.WantErr(`"from-env"`)
	w.Want(cmdutil.ExitNotRunning, "ps", "--name", "from-flag")
	w.WantErr(`"from-flag"`)
	w.Env["SHOPCTL_QUIET"] = "perhaps"
	w.Want(cmdutil.ExitUsage, "ps")
	w.WantErr(`read SHOPCTL_QUIET="perhaps"`, "hint: unset SHOPCTL_QUIET")
}

func TestABadConfigurationIsAnErrorWithItsPlace(t *testing.T) {
	for content, want := range map[string]string{
		"name: a\nportbase: 7000\n": ":2:1: unknown key \"portbase\"\nshopctl: hint: did you mean portBase?",
		"zzz: 1\n":                  ":1:1: unknown key \"zzz\"\nshopctl: hint: want name, namespace,",
		"name: [a: b]\n":            ":1:8: want text, got a mapping",
		"- a\n":                     ":1:1: want a mapping with name, namespace,",
		"name: a\nname: b\n":        ":2:1: \"name\" is given twice",
		"images: {a: {b: c}}\n":     ":1:13: want a command",
		"name: {\n":                 ":1:1: did not find expected node content",
		"quiet: often\n":            ":1:8: quiet: ",
	} {
		w := clitest.NewWorld(t)
		path := filepath.Join(t.TempDir(), "shopctl.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		w.Env["SHOPCTL_CONFIG"] = path
		w.Want(cmdutil.ExitUsage, "ps")
		w.WantErr("shopctl: error: "+path, want)
	}
}

func TestABadShopNameIsAUsageError(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitUsage, "--name", "No/Good", "ps")
	w.WantErr(`shop name "No/Good"`)
}

func TestAnInterruptedCommandExitsWith130AndWithoutAWord(t *testing.T) {
	w := clitest.NewWorld(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cmdutil.ErrInterrupted)
	if code := cmdutil.Report(ctx, w.F.IO, context.Canceled); code != cmdutil.ExitInterrupted || w.Err.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, w.Err.String())
	}
}
