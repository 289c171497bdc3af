package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/image"
	"github.com/shopctl/shopctl/pkg/image/imagetest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// programs are the flags for programs of two platforms.
func programs(t *testing.T) []string {
	t.Helper()
	amd64, arm64 := image.Platform{OS: "linux", Arch: "amd64"}, image.Platform{OS: "linux", Arch: "arm64"}
	return []string{
		"--platform", "linux/amd64,linux/arm64",
		"--binary", "linux/amd64=" + imagetest.Program(t, amd64), "--binary", "linux/arm64=" + imagetest.Program(t, arm64),
	}
}

func TestAnImageIsWrittenAndPushed(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	w := clitest.NewWorld(t)
	file := filepath.Join(t.TempDir(), "shopctl.tar")
	args := append([]string{"image", "build", "-o", file, "--push", host + "/learn/shopctl"}, programs(t)...)
	w.Want(cmdutil.ExitOK, args...)
	w.WantOut("shopctl:")
	w.WantErr("linux/amd64 and linux/arm64", "written to "+file, "pushed "+host+"/learn/shopctl:")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if !slices.Contains(names, "index.json") || !slices.Contains(names, "manifest.json") {
		t.Errorf("the archive has %v", names)
	}
	if rest, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".image-*")); len(rest) > 0 {
		t.Errorf("%v are left", rest)
	}
}

func TestWhatCannotBeBuiltSaysHowItCan(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"", cmdutil.ExitUsage, []string{"give -o FILE, --load or --push", "shopctl image build -o shopctl.tar"}},
		{"-o x.tar --platform darwin/arm64", cmdutil.ExitUsage, []string{`"darwin/arm64"`, "linux/amd64 or linux/arm64"}},
		{"-o x.tar --platform linux/arm64 --binary linux/arm64=/nonexistent/shopctl", cmdutil.ExitEnvironment, []string{"/nonexistent/shopctl", "GOARCH=arm64 CGO_ENABLED=0 go build"}},
		{"-o x.tar --binary linux/arm64", cmdutil.ExitUsage, []string{"the file is missing"}},
		{"-o x.tar --platform linux/amd64 --binary linux/amd64=" + os.DevNull, cmdutil.ExitEnvironment, []string{"is not a program for Linux"}},
	} {
		w.Want(c.code, append([]string{"image", "build"}, strings.Fields(c.args)...)...)
		w.WantErr(c.want...)
	}
	w.Want(cmdutil.ExitUsage, append([]string{"image", "build", "-o", "x.tar", "--tag", "shopctl:latest"}, programs(t)...)...)
	w.WantErr("the tag latest names another image on every machine")
	w.Want(cmdutil.ExitFailed, append([]string{"image", "build", "-o", filepath.Join(t.TempDir(), "none", "x.tar")}, programs(t)...)...)
	w.WantErr("no such file or directory")
}

func TestWithoutAnEngineTheImageIsNotLoaded(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Env["DOCKER_HOST"] = "unix://" + filepath.Join(t.TempDir(), "none.sock")
	w.Want(cmdutil.ExitEnvironment, append([]string{"image", "build", "--load"}, programs(t)...)...)
	w.WantErr("no container engine answers at unix://", "docker context ls")
}
