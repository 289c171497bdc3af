package process

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func TestDataIsKeptInItsMountedVolumeOrElseInTheWorkloadsDirectory(t *testing.T) {
	state := t.TempDir()
	shared, claim, volumes := filepath.Join(state, "data"), filepath.Join(state, "claims", "c"), filepath.Join(state, "volumes")
	own := podspec.Volume{Name: "v"}
	claimed := podspec.Volume{Name: "v", Dir: claim}
	for name, tc := range map[string]struct {
		image  string
		volume podspec.Volume
		path   string
		env    []string
		want   string
	}{
		"no volume":                     {image: "echo", want: shared},
		"no volume for a single writer": {image: "store", want: ""},
		"a command":                     {image: "other", want: shared},
		"a volume for something else":   {image: "echo", volume: own, path: "/cache", want: shared},
		"an emptyDir":                   {image: "store", volume: own, path: "/data", want: filepath.Join(volumes, "a", "v")},
		"a claim":                       {image: "store", volume: claimed, path: "/data", want: claim},
		"a path of the template":        {image: "echo", volume: claimed, path: "/var/lib/echo", env: []string{"DATA_DIR=/var/lib/echo/a"}, want: filepath.Join(claim, "a")},
		"a path in no volume":           {image: "echo", env: []string{"DATA_DIR=/home/somebody"}, want: shared},
		"a path that leads out":         {image: "echo", volume: claimed, path: "/data", env: []string{"DATA_DIR=/data/../../x"}, want: shared},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(func(c *Config) {
				c.VolumeDir = volumes
				c.Builtin = func(image string) (string, bool) { return image, image != "other" }
				c.Keeps = func(builtin string) bool { return builtin != "store" }
			})
			spec := podspec.Pod{Name: "a", Workload: "w", DataDir: shared, Containers: []podspec.Container{{Name: "server", Image: tc.image, Env: tc.env}}}
			if tc.image == "other" {
				spec.Containers[0].Command = []string{"true"}
			}
			if tc.path != "" {
				spec.Volumes = []podspec.Volume{tc.volume}
				spec.Containers[0].Mounts = []podspec.Mount{{Volume: "v", Path: tc.path}}
			}
			c := prepared(t, d, spec, "server")
			if got := c.dataDir(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheDirectoryOfAClaimStaysWhenItsPodIsRemoved(t *testing.T) {
	state := t.TempDir()
	claim := filepath.Join(state, "claims", "c")
	d := newDriver(func(c *Config) { c.VolumeDir = filepath.Join(state, "volumes") })
	spec := echo()
	spec.Volumes = []podspec.Volume{{Name: "kept", Dir: claim}, {Name: "lost"}}
	p, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(claim, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(claim, "file")); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(state, "volumes")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
