package process

import (
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func limited(spec podspec.Pod, memory string) podspec.Pod {
	spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}
	return spec
}

func TestACommandThatExceedsItsMemoryLimitIsKilled(t *testing.T) {
	if !limitsMemory {
		spec := limited(command("true"), "1Mi")
		if got := newDriver().Plan(&spec).Warnings; len(got) != 1 {
			t.Errorf("warnings %q, want one about the limit", got)
		}
		return
	}
	// The memory is a child's, in a group of its own, and grows without end.
	grow := `x = []
while True: x.append(bytearray(1 << 20))`
	for name, words := range map[string][]string{
		"itself":              {"python3", "-c", grow},
		"a child":             {"sh", "-c", `python3 -c "$0"; exit 0`, grow},
		"a child that leaves": {"sh", "-c", `setsid python3 -c "$0"; exit 0`, grow},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, newDriver(), limited(command(words...), "100Mi"))
			await(t, "exit", c.Done())
			e := c.Exit()
			if e.Code != 137 || e.Signal != int(syscall.SIGKILL) || e.Reason != workload.OOMKilled || !strings.Contains(e.Message, "its memory limit is 100Mi") {
				t.Errorf("exit %+v, want it killed for its memory", e)
			}
		})
	}
}

func TestABuiltinKeepsToItsMemoryLimitOrIsKilled(t *testing.T) {
	if !limitsMemory {
		t.Log("memory limits have no effect on this system")
		return
	}
	c, _ := start(t, newDriver(), limited(echo(), "1Mi"))
	await(t, "exit", c.Done())
	if e := c.Exit(); e.Reason != workload.OOMKilled {
		t.Errorf("exit %+v, want it killed for its memory", e)
	}
	c, _ = start(t, newDriver(), limited(echo(), "100Mi"))
	await(t, "listening", c.Listening())
	if used := c.allocated(); used <= 0 || used > 100<<20 {
		t.Errorf("it has allocated %d bytes", used)
	}
	want := "GOMEMLIMIT=94371840"
	if env := strings.Join(c.cmd.Env, " "); !strings.Contains(env, want) {
		t.Errorf("environment %s, want %s", env, want)
	}
}
