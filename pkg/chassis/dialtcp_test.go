package chassis_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

func TestDialTCPConnectsToAReadyInstance(t *testing.T) {
	instance, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Close()
	var dial func(context.Context) (net.Conn, error)
	var missing error
	s := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) (err error) {
		_, missing = rt.DialTCP("NOWHERE_ADDR")
		dial, err = rt.DialTCP("REDIS_ADDR")
		return err
	}, map[string]string{"REDIS_ADDR": "127.0.0.1:1"})
	if missing == nil || !strings.Contains(missing.Error(), "NOWHERE_ADDR") {
		t.Errorf("an unset variable gives %v, want an error that names it", missing)
	}
	if conn, err := dial(t.Context()); err == nil {
		conn.Close()
		t.Fatal("connected to a port where nothing listens")
	}
	s.Send(lifeline.Down{Endpoints: &map[string][]string{"127.0.0.1:1": {instance.Addr().String()}}})
	for {
		conn, err := dial(t.Context())
		if err == nil {
			conn.Close()
			return
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}
