package shop_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/shop"
)

func TestTheDoctorFindsTheMachineFit(t *testing.T) {
	w := clitest.NewWorld(t)
	if err := os.WriteFile(w.F.Executable, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	w.Want(cmdutil.ExitOK, "doctor", "-o", "json")
	var view shop.DoctorView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	if !view.Healthy || len(view.Checks) < 7 {
		t.Errorf("the doctor says %+v", view)
	}
}

func TestTheDoctorNamesADirectoryThatIsAFile(t *testing.T) {
	w := clitest.NewWorld(t)
	if err := os.WriteFile(w.F.Executable, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Env["SHOPCTL_STATE_DIR"] = file
	w.Want(cmdutil.ExitEnvironment, "doctor")
	w.WantOut("state directory   fail", file+" is not a directory", "mv "+file+" "+file+".old")
}
