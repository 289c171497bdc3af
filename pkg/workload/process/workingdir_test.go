package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func TestACommandAndItsProbesRunInTheWorkingDirectory(t *testing.T) {
	volumes := t.TempDir()
	existing, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ dir, want string }{
		"a directory of this machine": {existing, existing},
		"a directory of a volume":     {"/srv/data", filepath.Join("a", "data")},
		"below a volume":              {"/srv/data/deep/er", filepath.Join("a", "data", "deep", "er")},
	} {
		t.Run(name, func(t *testing.T) {
			spec := command("sh", "-c", "pwd; exec sleep 300")
			spec.Volumes = []podspec.Volume{{Name: "data"}}
			spec.Containers[0].Mounts = []podspec.Mount{{Volume: "data", Path: "/srv/data"}}
			spec.Containers[0].WorkingDir = c.dir
			in, out := start(t, newDriver(func(cfg *Config) { cfg.VolumeDir = volumes }), spec)
			probe, err := in.Exec(t.Context(), []string{"pwd"})
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(probe)), c.want) {
				t.Errorf("a probe runs in %q, %v; want %s", probe, err, c.want)
			}
			if err := in.Kill(); err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(out.all()); got != "" && !strings.HasSuffix(got, c.want) {
				t.Errorf("the command runs in %q, want %s", got, c.want)
			}
		})
	}
}

func TestAWorkingDirectoryThatCannotBeUsedIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"/no/such/dir": "workingDir /no/such/dir: no such file or directory; create it, or mount a volume there",
		file:           "it is not a directory",
		"relative":     "it is not an absolute path",
	} {
		spec := command("true")
		spec.Containers[0].WorkingDir = dir
		pod, err := newDriver().Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pod.Run(t.Context(), spec.Containers[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dir, err, want)
		}
	}
}

func TestTheProgramOfAMappedImageIsFoundFromAnyWorkingDirectory(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	d := newDriver(func(cfg *Config) {
		cfg.Images = func() workload.Images {
			return workload.Images{Dir: here, Commands: map[string][]string{"mine": {"./bin/mine", "-x"}, "tool": {"sleep"}}}
		}
	})
	for name, c := range map[string]struct{ image, dir, wantDir, wantProgram, warning string }{
		"existing":      {"mine", there, there, filepath.Join(here, "bin/mine"), ""},
		"missing":       {"mine", "/no/such/dir", here, "./bin/mine", "/no/such/dir: no such file or directory on this machine; the program of shopctl.yaml runs in " + here},
		"none":          {"mine", "", here, "./bin/mine", ""},
		"found on PATH": {"tool", there, there, "sleep", ""},
		"built in":      {"echo", there, "", "", "echo is built in"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := podspec.Pod{Name: "a", Containers: []podspec.Container{{Name: "server", Image: c.image, WorkingDir: c.dir}}}
			got := prepared(t, d, spec, "server")
			if got.dir != c.wantDir || c.wantProgram != "" && got.command[0] != c.wantProgram {
				t.Errorf("dir %q, program %q; want %q, %q", got.dir, got.command, c.wantDir, c.wantProgram)
			}
			if text := strings.Join(d.Plan(&spec).Warnings, "\n"); c.warning == "" && text != "" || !strings.Contains(text, c.warning) {
				t.Errorf("warnings %q, want %q", text, c.warning)
			}
		})
	}
}
