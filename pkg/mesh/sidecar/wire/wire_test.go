package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "paymentservice.production.svc.cluster.local"

// connect returns both ends of a connection to the host.
func connect(t *testing.T, w *Wire) (near, far net.Conn) {
	t.Helper()
	a, far := net.Pipe()
	near, err := w.Dial(t.Context(), host, func(context.Context) (net.Conn, error) { return a, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	return near, far
}

// arrives is what one end reads of n bytes, and when.
func arrives(c net.Conn, n int) (text string, after time.Duration) {
	began := time.Now()
	p := make([]byte, n)
	got, _ := io.ReadFull(c, p)
	return string(p[:got]), time.Since(began)
}

func TestWithoutRulesEverythingPassesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{}
		near, far := connect(t, w)
		w.Set([]Rule{{Host: "another", Drop: 1}})
		go func() { _, _ = near.Write([]byte("ping")) }()
		if text, after := arrives(far, 4); text != "ping" || after != 0 {
			t.Errorf("%q arrived after %v", text, after)
		}
		if near.(*Conn).Held() {
			t.Error("a write would wait")
		}
		var none *Wire
		if c, err := none.Dial(t.Context(), host, func(context.Context) (net.Conn, error) { return near, nil }); c != near || err != nil {
			t.Errorf("without a wire: %v, %v", c, err)
		}
	})
}

func TestWhenAllPacketsAreLostNothingPassesAndAfterwardsNothingIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{}
		near, far := connect(t, w)
		received := make(chan string, 2)
		read := func(c net.Conn) {
			text, _ := arrives(c, 4)
			received <- text
		}
		go read(near) // it reads already when the partition begins
		go read(far)
		synctest.Wait()
		w.Set([]Rule{{Host: host, Drop: 1}})
		go func() { _, _ = near.Write([]byte("ping")) }()
		go func() { _, _ = far.Write([]byte("pong")) }()
		time.Sleep(time.Hour)
		if len(received) > 0 {
			t.Errorf("%q arrived", <-received)
		}
		w.Set(nil)
		if one, other := <-received, <-received; one == other || !strings.Contains("ping pong ping", one+" "+other) {
			t.Errorf("%q and %q arrived", one, other)
		}
	})
}

func TestANewConnectionTimesOutWhenAllPacketsAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{}
		w.Set([]Rule{{Host: host, Drop: 1}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := w.Dial(ctx, host, func(context.Context) (net.Conn, error) {
			t.Error("it was dialed")
			return nil, io.EOF
		})
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" || !op.Timeout() {
			t.Errorf("dial: %v", err)
		}
		time.AfterFunc(time.Second, func() { w.Set(nil) })
		if _, err := w.Dial(t.Context(), host, func(context.Context) (net.Conn, error) { return nil, io.EOF }); !errors.Is(err, io.EOF) {
			t.Errorf("dial when the loss ends: %v", err)
		}
	})
}

func TestALostPacketComesLateAndSoDoesWhatIsBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{}
		near, far := connect(t, w)
		w.Set([]Rule{{Host: host, Drop: 0.5}})
		const packets = 200
		go func() {
			for range packets {
				_, _ = near.Write([]byte("x"))
			}
		}()
		late := map[time.Duration]int{}
		for range packets {
			text, after := arrives(far, 1)
			if text != "x" {
				t.Fatalf("read %q", text)
			}
			late[after]++
		}
		if late[0] == 0 || late[firstRTO] == 0 || late[0]+late[firstRTO] == packets {
			t.Errorf("packets came after %v: want some at once, some after %v, and some lost twice", late, firstRTO)
		}
		for after := range late {
			if after%firstRTO != 0 {
				t.Errorf("a packet came after %v, which TCP does not wait", after)
			}
		}
	})
}

func TestTheBandwidthHoldsForAllConnectionsAndForEachDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{}
		w.Set([]Rule{{Host: host, BytesPerSecond: 1000}, {Host: host, BytesPerSecond: 5000}})
		one, otherOne := connect(t, w)
		two, otherTwo := connect(t, w)
		half := make([]byte, 500)
		began := time.Now()
		for _, c := range []net.Conn{one, two} {
			go func() { _, _ = c.Write(half) }()
		}
		back := make(chan time.Duration, 1)
		go func() { _, _ = otherOne.Write(append(half, half...)) }()
		go func() {
			arrives(one, 1000)
			back <- time.Since(began)
		}()
		done := make(chan bool, 2)
		for _, c := range []net.Conn{otherOne, otherTwo} {
			go func() {
				arrives(c, 500)
				done <- true
			}()
		}
		<-done
		<-done
		if took := time.Since(began); took != time.Second {
			t.Errorf("1000 bytes took %v", took)
		}
		if took := <-back; took != time.Second {
			t.Errorf("1000 bytes the other way took %v", took)
		}
	})
}

func TestAWaitEndsWithADeadlineAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{}
		near, far := connect(t, w)
		w.Set([]Rule{{Host: host, Drop: 1}})
		go func() { _, _ = far.Write([]byte("pong")) }()
		_ = near.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := near.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		_ = near.SetWriteDeadline(time.Now())
		if _, err := near.Write([]byte("ping")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		w.Set(nil)
		_ = near.SetDeadline(time.Time{})
		if text, _ := arrives(near, 4); text != "pong" {
			t.Errorf("read %q", text)
		}
	})
}

func TestCloseEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Wire{}
		near, _ := connect(t, w)
		w.Set([]Rule{{Host: host, Drop: 1}})
		time.AfterFunc(time.Second, func() { _ = near.Close() })
		if _, err := near.Write([]byte("ping")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: %v", err)
		}
	})
}
