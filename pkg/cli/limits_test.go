package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// meanings are what the extreme values of flags mean where they are not refused.
func meanings() map[string]string {
	return map[string]string{
		"--seed 0":              "a seed like any other, of load",
		"--seed -1":             "refused by the type of the flag",
		"--seed HUGE":           "a seed like any other",
		"--tail 0":              "no line that is there already",
		"--tail HUGE":           "all lines",
		"--limit HUGE":          "all that are kept",
		"--min-duration 0":      "all traces",
		"--since 0":             "from now on",
		"--replicas 0":          "no instances",
		"scale --replicas HUGE": "refused by its limit for one machine",
		"wait --timeout 0":      "looks once, as in kubectl",
		"wait --timeout -1":     "a week, as in kubectl",
		"wait --timeout HUGE":   "until the condition is met",
	}
}

// extremes are values of a flag at and beyond the ends of what it may take.
func extremes(f *pflag.Flag) map[string]string {
	switch f.Value.Type() {
	case "int32":
		return map[string]string{"0": "0", "-1": "-1", "HUGE": "2147483647"}
	case "int", "int64":
		return map[string]string{"0": "0", "-1": "-1", "HUGE": "9223372036854775807"}
	case "uint64":
		return map[string]string{"0": "0", "-1": "-1", "HUGE": "18446744073709551615"}
	case "float64":
		return map[string]string{"0": "0", "-1": "-1", "HUGE": "1e300", "NaN": "NaN", "Inf": "Inf"}
	case "duration":
		return map[string]string{"0": "0s", "-1": "-1s", "HUGE": "2562047h"}
	}
	if f.Name == "since" || f.Name == "until" {
		return map[string]string{"0": "0", "-1": "-5m"}
	}
	return nil
}

// TestNoExtremeValueOfAFlagIsTakenForNone gives every flag of a number or a time zero, less than zero and a huge value. Each
// is refused by name, or has a meaning in the list above. The shop behind it refuses everything with another exit code.
func TestNoExtremeValueOfAFlagIsTakenForNone(t *testing.T) {
	w := clitest.NewWorld(t).ServeHostile(true)
	t.Chdir(t.TempDir())
	write(t, "trace.json", hostileTrace)
	arguments := hostileLines(".")
	for name, args := range map[string][]string{
		"up": {""}, "daemon": {""}, "call": {"127.0.0.1:1 a.B/C {}"}, "set env": {"cart A=b"}, "trace open": {"trace.json"}, "scale": {"cart"}, "metrics query": {"up"}, "fault inject": {"cart"}, "down": {""},
	} {
		arguments[name] = args
	}
	known := meanings()
	for _, cmd := range actions(cli.Tree()) {
		name := strings.TrimPrefix(cmd.CommandPath(), "shopctl ")
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			for value, text := range extremes(f) {
				if known["--"+f.Name+" "+value] != "" || known[name+" --"+f.Name+" "+value] != "" {
					continue
				}
				words := append(strings.Fields(name), strings.Fields(strings.Join(arguments[name][:min(1, len(arguments[name]))], " "))...)
				words = append(words, "--"+f.Name+"="+text)
				w.Out.Reset()
				w.Err.Reset()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				code := cli.Execute(ctx, w.F, words)
				cancel()
				if code != cmdutil.ExitUsage || !strings.Contains(w.Err.String(), "--"+f.Name) {
					t.Errorf("%q: exit %d, %s", words, code, w.Err.String())
				}
			}
		})
	}
}

func TestAPortFromTheEnvironmentIsReadLikeTheFlag(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, value := range []string{"abc", "0", "70000"} {
		w.Env["SHOPCTL_PORT"] = value
		w.Want(cmdutil.ExitUsage, "up")
		w.WantErr(`read SHOPCTL_PORT="`+value+`": want 1 to 65535`, "hint: unset SHOPCTL_PORT")
	}
}

func TestAnUnknownCommandIsNamedBeforeItsFlags(t *testing.T) {
	w := clitest.NewWorld(t)
	for line, want := range map[string]string{
		"frob --x": `unknown command "shopctl frob"`, "-q frob --x": `unknown command "shopctl frob"`, "trace frob --x=1": `unknown command "shopctl trace frob"`,
		"metrics -z frob": "unknown shorthand flag", "ps --x": "unknown flag: --x",
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		w.WantErr(want)
	}
}
