package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
)

func TestAnUnknownCommandSuggestsTheNearest(t *testing.T) {
	w := newWorld(t)
	for line, hint := range map[string]string{
		"stauts":         "shopctl: hint: shopctl status\n",
		"set evn":        "shopctl: hint: shopctl set env\n",
		"zzzzzz":         "shopctl: hint: shopctl --help\n",
		"help stauts":    "shopctl: hint: shopctl status\n",
		"version --nope": "shopctl: hint: shopctl version --help\n",
	} {
		w.want(exitUsage, strings.Fields(line)...)
		w.wantErr("shopctl: error: ", hint)
		if w.out.Len() > 0 {
			t.Errorf("%s: an error wrote to standard output: %q", line, w.out.String())
		}
	}
}

func TestTooManyArgumentsAreAUsageError(t *testing.T) {
	w := newWorld(t)
	w.want(exitUsage, "status", "now")
	w.wantErr(`unexpected argument "now": the command takes none`)
	w.want(exitUsage, "logs", "cart", "payment")
	w.wantErr(`unexpected argument "payment": the command takes one service`)
}

func TestAFlagOfAWrongTypeIsToldInWordsOfThePerson(t *testing.T) {
	w := newWorld(t)
	for line, text := range map[string]string{
		"scale cart --replicas many":              `read --replicas "many": want a whole number`,
		"load start --rate fast":                  `read --rate "fast": want a number`,
		"load start --seed -1":                    `read --seed "-1": want a whole number that is not below zero`,
		"call cart --deadline soon":               `read --deadline "soon": want a duration, such as 500ms, 30s or 2m`,
		"ps -o xml":                               "must be one of table, json, yaml, name",
		"call cart GetCart --describe --template": "--describe and --template exclude each other",
	} {
		w.want(exitUsage, strings.Fields(line)...)
		w.wantErr("shopctl: error: ", text, "shopctl: hint: shopctl ")
	}
}

func TestHintsGoToTheShopAtHandWhoeverGivesThem(t *testing.T) {
	w := newWorld(t)
	w.f.IO.ShopName = "second"
	for hint, want := range map[string]string{
		"shopctl ps":                  "shopctl --name second ps",
		"shopctl --name second up":    "shopctl --name second up",
		"did you mean cart?":          "did you mean cart?",
		"/bin/shopctl service run ad": "/bin/shopctl service run ad",
	} {
		w.err.Reset()
		report(t.Context(), w.f.IO, control.Error(codes.NotFound, "no", hint, 0))
		w.wantErr("shopctl: hint: " + want + "\n")
	}
}

func TestHelpTellsUsageFlagsAndExitCodes(t *testing.T) {
	w := newWorld(t)
	w.want(exitOK, "scale", "--help")
	w.wantOut("Usage:\n  shopctl scale SERVICE... --replicas N", "--replicas NUMBER", "Global flags:", "Exit codes:\n  0  ok\n", "  3  the shop is not running\n")
	w.want(exitOK, "help", "exit-codes")
	w.wantOut("  130  interrupted\n")
	w.want(exitOK, "lesson", "--help") // does something itself, and holds others
	w.wantOut("Usage:\n  shopctl lesson [LESSON | DIR] [flags]\n  shopctl lesson COMMAND\n", "  0    ok\n")
	w.want(exitOK)
	w.wantOut("shopctl COMMAND", "The shop:\n", "  status ", "Its objects:\n")
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
	walk(NewRoot(newWorld(t).f))
}

func TestTheVersionNeedsNoShopAndNoConfiguration(t *testing.T) {
	w := newWorld(t)
	w.env["SHOPCTL_CONFIG"] = filepath.Join(t.TempDir(), "missing.yaml")
	w.want(exitOK, "version", "-o", "json")
	var v map[string]any
	if err := json.Unmarshal(w.out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"version", "revision", "go", "platform"} {
		if _, ok := v[key]; !ok {
			t.Errorf("the version lacks %s: %v", key, v)
		}
	}
}

func TestCompletionScriptsAreThereForFourShells(t *testing.T) {
	w := newWorld(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		w.want(exitOK, "completion", shell)
		w.wantOut("shopctl")
	}
	w.want(exitUsage, "completion", "tcsh")
	w.want(exitUsage, "completion")
}

func TestCompletionIsLiveAndWorksWithTheShopDown(t *testing.T) {
	down := newWorld(t)
	down.want(exitOK, "__complete", "restart", "")
	down.wantOut("catalog\n", "shipping\n")
	down.want(exitOK, "__complete", "get", "deployments", "")
	down.wantOut("productcatalogservice\n")
	down.want(exitOK, "__complete", "get", "")
	down.wantOut("deployments\n", "secrets\n")
	down.want(exitOK, "__complete", "ps", "-o", "")
	down.wantOut("json\n", "yaml\n")

	up := newWorld(t).serve(&fakeShop{status: threeServices(), objects: someObjects()})
	up.want(exitOK, "__complete", "restart", "cart", "")
	if got, want := up.out.String(), "payment\nredis-cart\n:4\n"; got != want {
		t.Errorf("completed %q, want %q", got, want)
	}
	up.want(exitOK, "__complete", "describe", "configmaps", "")
	up.wantOut("colours\n")
}

func TestColourFollowsTheTerminalAndTheUser(t *testing.T) {
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
		w := newWorld(t)
		w.f.IO.OutTTY = c.tty
		for k, v := range c.env {
			w.env[k] = v
		}
		w.want(exitNotRunning, append([]string{"ps"}, c.args...)...)
		if w.f.IO.Color != c.want {
			t.Errorf("%+v: colour is %v", c, w.f.IO.Color)
		}
	}
}

func TestTheTerminalUIStartsOnTerminalsAlone(t *testing.T) {
	for _, c := range []struct {
		change func(*world)
		want   bool
	}{
		{func(*world) {}, true},
		{func(w *world) { w.f.IO.InTTY = false }, false},
		{func(w *world) { w.f.IO.OutTTY = false }, false},
		{func(w *world) { w.f.NoTUI = true }, false},
		{func(w *world) { w.env["CI"] = "true" }, false},
		{func(w *world) { w.env["TERM"] = "dumb" }, false},
	} {
		w := newWorld(t)
		w.f.IO.InTTY, w.f.IO.OutTTY = true, true
		c.change(w)
		if got := Interactive(w.f); got != c.want {
			t.Errorf("interactive is %v, want %v, in %v", got, c.want, w.env)
		}
	}
}

func TestSettingsComeFromFlagThenEnvironmentThenFile(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "shopctl.yaml")
	if err := os.WriteFile(path, []byte("name: from-file\nimages:\n  myapp: [./myapp, --fast]\n  other: ./other -v\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env["SHOPCTL_CONFIG"] = path
	w.want(exitNotRunning, "ps")
	w.wantErr(`"from-file"`)
	w.env["SHOPCTL_NAME"] = "from-env"
	w.want(exitNotRunning, "ps")
	w.wantErr(`"from-env"`)
	w.want(exitNotRunning, "ps", "--name", "from-flag")
	w.wantErr(`"from-flag"`)
	w.env["SHOPCTL_QUIET"] = "perhaps"
	w.want(exitUsage, "ps")
	w.wantErr(`read SHOPCTL_QUIET="perhaps"`, "hint: unset SHOPCTL_QUIET")
}

func TestABadConfigurationIsAnErrorWithItsPlace(t *testing.T) {
	for content, want := range map[string]string{
		"name: a\nportbase: 7000\n": ":2:1: unknown key \"portbase\"\nshopctl: hint: did you mean portBase?",
		"zzz: 1\n":                  ":1:1: unknown key \"zzz\"\nshopctl: hint: known keys: images, name,",
		"name: [a: b]\n":            ":1:8: want a word",
		"- a\n":                     ":1:1: want keys and values",
		"name: a\nname: b\n":        ":2:1: key \"name\" is there twice",
		"images: {a: {b: c}}\n":     ":1:13: images: a: want a command",
		"name: {\n":                 "line ",
		"quiet: often\n":            ":1:1: quiet: ",
	} {
		w := newWorld(t)
		path := filepath.Join(t.TempDir(), "shopctl.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		w.env["SHOPCTL_CONFIG"] = path
		w.want(exitUsage, "ps")
		w.wantErr("shopctl: error: "+path, want)
	}
}

func TestABadShopNameIsAUsageError(t *testing.T) {
	w := newWorld(t)
	w.want(exitUsage, "--name", "No/Good", "ps")
	w.wantErr(`shop name "No/Good"`)
}

func TestDownOfAShopThatDoesNotRunIsFine(t *testing.T) {
	w := newWorld(t)
	w.want(exitOK, "down")
	w.wantErr("shop default is not running\n")
	w.want(exitOK, "down", "-q")
	if w.err.Len() > 0 {
		t.Errorf("--quiet wrote %q", w.err.String())
	}
}

func TestTheDoctorFindsTheMachineFit(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(w.f.Executable, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	w.want(exitOK, "doctor", "-o", "json")
	var view doctorView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	if !view.Healthy || len(view.Checks) < 7 {
		t.Errorf("the doctor says %+v", view)
	}
}

func TestTheDoctorNamesADirectoryThatIsAFile(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(w.f.Executable, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.env["SHOPCTL_STATE_DIR"] = file
	w.want(exitEnvironment, "doctor")
	w.wantOut("state directory   fail", file+" is not a directory", "mv "+file+" "+file+".old")
}
