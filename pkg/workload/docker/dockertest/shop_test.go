//go:build docker

package dockertest

import (
	"strings"
	"testing"
)

// containers are the names of those on the engine, also of ended ones.
func (e *engine) containers() []string { return e.docker("ps", "-a", "--format", "{{.Names}}") }

func TestAWholeShopRunsOnAnEngine(t *testing.T) {
	e := startEngine(t)
	s := e.newShop("whole")
	t.Run("who may not use its socket is told so", func(t *testing.T) { refusesOthers(t, e) })
	out := s.run(t, "up", "--driver", "docker", "--timeout", "3m")
	for _, want := range []string{"image shopctl:bin-", "11/11 services healthy"} {
		if !strings.Contains(out, want) {
			t.Errorf("up does not say %q:\n%s", want, out)
		}
	}
	t.Run("each pod is a pause container and what joins it", func(t *testing.T) {
		all := e.containers()
		pauses := 0
		for _, name := range all {
			if strings.HasSuffix(name, "-pause") {
				pauses++
			}
		}
		if pauses != 12 || len(all) != 24 {
			t.Errorf("%d pause containers of %d, want 12 of 24:\n%s", pauses, len(all), strings.Join(all, "\n"))
		}
	})
	t.Run("an order goes through it, and its spans come out", func(t *testing.T) {
		s.order(t, "alice")
		if out := s.run(t, "order", "list"); !strings.Contains(out, "COMPLETED") {
			t.Errorf("no order is completed:\n%s", out)
		}
		if out := s.run(t, "trace", "list"); !strings.Contains(out, "PlaceOrder") {
			t.Errorf("no trace of the order:\n%s", out)
		}
	})
	t.Run("containers have no privileges", func(t *testing.T) {
		for _, id := range e.docker("ps", "-q") {
			got := strings.Join(e.docker("inspect", "-f", "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.Config.User}}", id), " ")
			if got != "true [ALL] [no-new-privileges] 65532:65532" {
				t.Errorf("container %s: %s", id, got)
			}
		}
	})
	for _, step := range []struct {
		what string
		do   func(t *testing.T, e *engine, s *shop)
	}{
		{"a killed container is started again in its pod", killsContainer},
		{"a killed pause container is replaced with its pod's containers", killsPause},
		{"a service scales, and its instances share the calls", scales},
		{"a rolling restart loses no request", restarts},
		{"a memory limit kills, and is named", exceedsMemory},
		{"an exec probe decides about readiness", probesByExec},
		{"a command runs in a container, with its exit code", executes},
		{"a paused service is frozen, and resumed", pauses},
		{"any image on the engine runs as it is", runsForeign},
		{"an image that is nowhere is named with two ways out", missesImage},
		{"a killed daemon takes all but what is paused with it, and down the rest", killsDaemon},
	} {
		t.Run(step.what, func(t *testing.T) { step.do(t, e, s) })
	}
	s.run(t, "up", "--driver", "docker", "--timeout", "3m")
	t.Run("down leaves nothing", func(t *testing.T) {
		s.run(t, "down")
		if all := e.containers(); len(all) > 0 {
			t.Errorf("containers are left: %v", all)
		}
		if networks := e.docker("network", "ls", "--filter", "label=shopctl.shop", "-q"); len(networks) > 0 {
			t.Errorf("networks are left: %v", networks)
		}
	})
}
