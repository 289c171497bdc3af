package cli_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestALineOfBashIsCompleted(t *testing.T) {
	w := clitest.NewWorld(t) // without a shop
	for _, test := range []struct{ line, kind, want string }{
		{"shopctl cal", "9", "\ncall\n"},
		{"shopctl cal", "63", "\ncall  (Call a gRPC method of a service with JSON, or list its methods)\n"},
		{"/bin/shopctl call cata", "9", "\ncatalog\n"},
		{"shopctl call cart Emp", "9", "\nEmptyCart\n"},
		{`shopctl call cart GetCart `, "9", "nospace\n'{\"userId\":\"\"}'\n"},
		{`shopctl call cart GetCart '{`, "9", "nospace\n{\"userId\": \n"},
		{`shopctl call cart GetCart '{"us`, "9", "nospace\n{\"userId\": \n"},
		{`shopctl call cart GetCart "{`, "9", "nospace\n{\\\"userId\\\": \n"},
		{`shopctl call cart GetCart {`, "9", "nospace\n\\{\\\"userId\\\":\\ \n"},
		{`shopctl call cart -d '{`, "9", "nospace\n"},
		{`shopctl call cart AddItem -d '{"item": {"q`, "9", "nospace\n{\"item\": {\"quantity\": \n"},
		{`shopctl call cart AddItem --data='{"item": {"q`, "9", "nospace\n{\"item\": {\"quantity\": \n"},
		{`shopctl call 'cart' "AddItem" '{"item": {}, "`, "9", "nospace\n{\"item\": {}, \"userId\": \n"},
		{`shopctl call c\art GetCart '{"x": "it'\''s", "u`, "9", "nospace\ns\", \"userId\": \n"},
		{"shopctl call cart --fo", "9", "\n--format\n--format-error\n"},
		{"shopctl call cart --format=t", "9", "\ntext\n"},
		{"shopctl --color=al", "9", "\nalways\n"},
		{"shopctl apply -f x", "9", "files\n"},
		{"shopctl call cart --import-path x", "9", "dirs\n"},
		{"shopctl call --unix ./ser", "9", "files\n"},
		{"shopctl nosuch x", "9", "files\n"},
		{"", "9", ""},
	} {
		w.Want(cmdutil.ExitOK, "__bash", test.line, test.kind)
		if got := w.Out.String(); got != test.want {
			t.Errorf("%s: %q, want %q", test.line, got, test.want)
		}
	}
}

// TestBashCompletesWithoutItsPackage runs the script in a bash that has nothing else; shopctl is a function there that shows
// how it was asked.
func TestBashCompletesWithoutItsPackage(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "completion", "bash")
	script := w.Out.String() + `
fake() { printf 'nospace\n%s\n%s\n' "$2 $3" "two words"; }
COMP_LINE="shopctl call '{ more" COMP_POINT=15 COMP_TYPE=9
_shopctl fake
printf '<%s>' "${COMPREPLY[@]}"
complete -p shopctl
`
	out, err := exec.CommandContext(t.Context(), "bash", "--norc", "--noprofile", "-u", "-c", script).CombinedOutput()
	if got := string(out); err != nil || !strings.HasPrefix(got, "<shopctl call '{ 9><two words>") || !strings.Contains(got, "-F _shopctl shopctl") {
		t.Errorf("%v: %s", err, got)
	}
}

func TestEveryShellHasAScript(t *testing.T) {
	w := clitest.NewWorld(t)
	for shell, want := range map[string]string{"zsh": "#compdef shopctl", "fish": "complete -c shopctl", "powershell": "Register-ArgumentCompleter"} {
		w.Want(cmdutil.ExitOK, "completion", shell)
		w.WantOut(want, "__complete")
	}
}
