package change_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// editing is a command line whose editor runs a line of shell for each time that it is opened. The file is $1; what was shown
// is kept.
func editing(t *testing.T, shop *clitest.FakeShop, lines ...string) (w *clitest.World, shown func(n int) string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	script := "#!/bin/sh\nn=$(ls " + dir + " | grep -c shown)\ncp \"$1\" " + dir + "/shown$n\ncase $n in\n"
	for i, line := range lines {
		script += fmt.Sprintf("%d) %s ;;\n", i, line)
	}
	path := filepath.Join(dir, "editor")
	if err := os.WriteFile(path, []byte(script+"esac\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	w = clitest.NewWorld(t).Serve(shop)
	w.Env["KUBE_EDITOR"], w.Env["EDITOR"] = path, "false"
	return w, func(n int) string {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("shown%d", n)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func edited(name, action string) *clitest.FakeShop {
	return &clitest.FakeShop{
		Current: clitest.ThreeServices(), Objects: clitest.SomeObjects(),
		Applied: &controlpb.ApplyResponse{Objects: []*controlpb.AppliedObject{{Object: clitest.Deployment(name, 3, 1), Action: action}}},
	}
}

// copies are the files that were left.
func copies(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "shopctl-edit-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatIsSavedInTheEditorTakesEffect(t *testing.T) {
	shop := edited("cartservice", "configured")
	w, shown := editing(t, shop, `sed -i 's/replicas: 2/replicas: 3/' "$1"`)
	w.Want(cmdutil.ExitOK, "edit", "deployment", "cartservice")
	clitest.WantEqual(t, w.Out.String(), "deployment.apps/cartservice edited\n")
	if text := shown(0); !strings.HasPrefix(text, "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit.") || !strings.Contains(text, "\napiVersion: apps/v1\nkind: Deployment\n") {
		t.Errorf("the editor showed\n%s", text)
	}
	apply := shop.Applies[0]
	var got struct {
		Spec struct{ Replicas int }
	}
	if err := json.Unmarshal(apply.GetFiles()[0].GetContent(), &got); err != nil || got.Spec.Replicas != 3 || !apply.GetReplace() || !apply.GetUnchanged() {
		t.Errorf("applied %+v: %v", apply, err)
	}
	if left := copies(t); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func TestAnEditThatChangesNothingIsCancelled(t *testing.T) {
	for line, want := range map[string]string{
		`true`:                            "Edit cancelled, no changes made.\n",
		`echo '# a comment' >> "$1"`:      "Edit cancelled, no changes made.\n",
		`: > "$1"`:                        "Edit cancelled, saved file was empty.\n",
		`printf '# nothing\n\n' > "$1"`:   "Edit cancelled, saved file was empty.\n",
		`sed -i 's/^status:/status:/' $1`: "Edit cancelled, no changes made.\n",
	} {
		shop := edited("cartservice", "configured")
		w, _ := editing(t, shop, line)
		w.Want(cmdutil.ExitOK, "edit", "deploy/cartservice")
		if w.Err.String() != want || w.Out.Len() > 0 || len(shop.Applies) > 0 || len(copies(t)) > 0 {
			t.Errorf("%s: %q, %d changes, files %v", line, w.Err.String(), len(shop.Applies), copies(t))
		}
	}
}

func TestWhatIsNotValidIsOpenedAgainWithTheReason(t *testing.T) {
	shop := edited("cartservice", "configured")
	w, shown := editing(t, shop, `sed -i 's/replicas: 2/replica: 3/' "$1"`, `sed -i 's/replica: 3/replicas: 3/' "$1"`)
	w.Want(cmdutil.ExitOK, "edit", "deploy", "cartservice")
	w.WantOut("deployment.apps/cartservice edited\n")
	text := shown(1)
	reason, _, _ := strings.Cut(text[strings.Index(text, "# /"):], "\n")
	if !strings.Contains(reason, `unknown field "replica"; did you mean "replicas"?`) {
		t.Errorf("the editor showed\n%s", text)
	}
	var line int
	if _, err := fmt.Sscanf(reason[strings.Index(reason, ".yaml:"):], ".yaml:%d:", &line); err != nil || !strings.Contains(strings.Split(text, "\n")[line-1], "replica: 3") {
		t.Errorf("%s is not at its line (%v) of\n%s", reason, err, text)
	}
}

func TestTheReasonsOfTheShopAreShownAsWell(t *testing.T) {
	shop := edited("cartservice", "configured")
	shop.Fail = control.Error(codes.InvalidArgument, "spec.selector: the field is immutable", "", 2)
	w, shown := editing(t, shop, `sed -i 's/replicas: 2/replicas: 3/' "$1"`, `true`)
	w.Want(cmdutil.ExitFailed, "edit", "deploy", "cartservice")
	if !strings.Contains(shown(1), "\n# spec.selector: the field is immutable\n#\n") {
		t.Errorf("the editor showed\n%s", shown(1))
	}
	left := copies(t)
	if len(left) != 1 {
		t.Fatalf("files left: %v", left)
	}
	w.WantErr("edit cancelled, no valid changes were saved", fmt.Sprintf("A copy of your changes has been stored to %q", left[0]), "hint: shopctl replace -f "+left[0])
}

func TestAnEditorThatFailsChangesNothing(t *testing.T) {
	shop := edited("cartservice", "configured")
	w, _ := editing(t, shop, `sed -i 's/replicas: 2/replicas: 3/' "$1"; exit 3`)
	w.Want(cmdutil.ExitFailed, "edit", "deploy", "cartservice")
	w.WantErr("there was a problem with the editor", "exit status 3", "hint: set KUBE_EDITOR or EDITOR")
	if len(shop.Applies) > 0 || len(copies(t)) > 0 {
		t.Errorf("%d changes, files %v", len(shop.Applies), copies(t))
	}
}

func TestTheNameOfAnEditedObjectStays(t *testing.T) {
	shop := edited("cartservice", "configured")
	w, _ := editing(t, shop, `sed -i 's/  name: cartservice/  name: other/' "$1"`)
	w.Want(cmdutil.ExitFailed, "edit", "deploy", "cartservice")
	w.WantErr("at least one of apiVersion, kind and name was changed")
}
