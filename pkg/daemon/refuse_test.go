package daemon

import (
	"net"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/control"
)

func TestAPrometheusPortThatWasAskedForAndIsTakenIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &shop{cfg: Config{Prometheus: l.Addr().String()}}
	_, err = s.listenPrometheus()
	if hint, exit, _ := control.HintOf(err); err == nil || exit != 5 || !strings.Contains(hint, "--prometheus-port") || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v, hint %q, exit %d", err, hint, exit)
	}
}

func TestTooFewOpenFilesAreRefusedBeforeAnythingStarts(t *testing.T) {
	err := enoughOpenFiles(64)
	if hint, exit, _ := control.HintOf(err); exit != 5 || hint != "ulimit -n 4096" || !strings.Contains(err.Error(), "may have 64 files open") {
		t.Errorf("error %v, hint %q, exit %d", err, hint, exit)
	}
	if err := enoughOpenFiles(minOpenFiles); err != nil {
		t.Errorf("enough are refused: %v", err)
	}
}
