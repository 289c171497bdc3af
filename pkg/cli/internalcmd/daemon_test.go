package internalcmd

import "testing"

func TestRandomPortsHaveAFormerName(t *testing.T) {
	for name, want := range map[string]bool{"SHOPCTL_RANDOM_PORTS": true, "SHOPCTL_FREE_PORTS": true, "SHOPCTL_PORTS": false} {
		if got := randomPorts(func(key string) string {
			if key == name {
				return "1"
			}
			return ""
		}); got != want {
			t.Errorf("with %s=1 ports are random: %v, want %v", name, got, want)
		}
	}
}
