package main_test

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// initLine is what GODEBUG=inittrace=1 prints of a package: its time, and the memory that it allocates.
var initLine = regexp.MustCompile(`^init (\S+) @\S+ ms, (\S+) ms clock, (\d+) bytes`)

// ofMesh are packages that only the mesh needs, by the beginnings of their paths.
func ofMesh(pkg string) bool {
	for _, prefix := range []string{
		"github.com/envoyproxy/", "github.com/cncf/xds/", "istio.io/", "cel.dev/", "github.com/planetscale/", "github.com/shopctl/shopctl/pkg/mesh",
	} {
		if strings.HasPrefix(pkg, prefix) {
			return true
		}
	}
	return false
}

// A process without a sidecar pays for the mesh only by linking it: what its packages initialize.
func TestThePackagesOfTheMeshCostAProcessLittleWhenItStarts(t *testing.T) {
	const (
		memoryLimit = 1_500_000
		// shareLimit is that of the time of all other packages, which take 20 ms on a quiet machine of two cores: 0.25 was measured.
		shareLimit = 0.5
	)
	least, memory := map[string]float64{}, map[string]float64{}
	for range 5 { // the least of each, since a process that waits for a core counts as time
		cmd := exec.Command(filepath.Join(binary.dir, "shopctl"), "version")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		var trace bytes.Buffer
		cmd.Stderr = &trace
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(trace.String()) {
			f := initLine.FindStringSubmatch(line)
			if f == nil {
				continue
			}
			ms, _ := strconv.ParseFloat(f[2], 64)
			allocated, _ := strconv.ParseFloat(f[3], 64)
			if had, ok := least[f[1]]; ok {
				ms, allocated = math.Min(ms, had), math.Min(allocated, memory[f[1]])
			}
			least[f[1]], memory[f[1]] = ms, allocated
		}
	}
	var mesh, others, allocated float64
	for pkg, ms := range least {
		if ofMesh(pkg) {
			mesh, allocated = mesh+ms, allocated+memory[pkg]
		} else {
			others += ms
		}
	}
	if mesh == 0 || others == 0 {
		t.Fatalf("the trace has %d packages, %.1f ms of the mesh, %.1f ms of others", len(least), mesh, others)
	}
	t.Logf("the mesh allocates %.2f MB and takes %.2f of the time of other packages", allocated/1e6, mesh/others)
	if allocated > memoryLimit || mesh > shareLimit*others {
		t.Errorf("the mesh allocates %.2f MB and takes %.2f of the time of other packages, want %.2f MB and %.2f at most: which packages does GODEBUG=inittrace=1 shopctl version name?",
			allocated/1e6, mesh/others, memoryLimit/1e6, shareLimit)
	}
}
