package trace

import "testing"

func TestARecordHasTheHostAndPortThatASpanCalls(t *testing.T) {
	for _, names := range [][2]string{{"server.address", "server.port"}, {"net.peer.name", "net.peer.port"}} {
		var r Record
		for key, value := range map[string]string{names[0]: "127.0.0.1", names[1]: "41000"} {
			if Described([]byte(key)) != key {
				t.Errorf("%s is passed over", key)
			}
			r.Describe(key, value)
		}
		if r.Peer != "127.0.0.1" || r.Port != "41000" {
			t.Errorf("%v: %q and %q", names, r.Peer, r.Port)
		}
	}
}
