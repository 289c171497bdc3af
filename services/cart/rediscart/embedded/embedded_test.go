package embedded

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server over dir until the test ends, and returns a connection to it.
func serve(t testing.TB, dir string) (*Server, net.Conn) {
	t.Helper()
	s, err := Open(Config{Dir: dir, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		_ = conn.Close()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, conn
}

// ask sends a command as one types it and returns the first line of the reply.
func ask(t testing.TB, conn net.Conn, in *bufio.Reader, command string) string {
	t.Helper()
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := in.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestAFullDiskIsReportedAndLosesNothingThatWasStored(t *testing.T) {
	s, conn := serve(t, t.TempDir())
	in := bufio.NewReader(conn)
	if got := ask(t, conn, in, "SET kept v"); got != "+OK" {
		t.Fatal(got)
	}
	// A disk that is full now: no page can be added.
	s.mu.Lock()
	_, err := s.store.db.Exec("PRAGMA max_page_count = 1")
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"SET big " + strings.Repeat("x", 10_000), "HSET h f " + strings.Repeat("x", 10_000)} {
		if got := ask(t, conn, in, command); !strings.HasPrefix(got, "-MISCONF cannot store data") {
			t.Errorf("%.8s... on a full disk gives %s", command, got)
		}
	}
	for _, step := range []struct{ command, want string }{
		{"EXISTS big h", ":0"},
		{"STRLEN kept", ":1"},
		{"DEL kept", ":1"},
	} {
		if got := ask(t, conn, in, step.command); got != step.want {
			t.Errorf("%s gives %s, want %s", step.command, got, step.want)
		}
	}
	s.mu.Lock()
	_, err = s.store.db.Exec("PRAGMA max_page_count = 1000000")
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, conn, in, "SET big again"); got != "+OK" {
		t.Errorf("with room again, SET gives %s", got)
	}
}

func TestATransactionOnAFullDiskIsNotHalfDone(t *testing.T) {
	s, conn := serve(t, t.TempDir())
	in := bufio.NewReader(conn)
	ask(t, conn, in, "SET n 1")
	s.mu.Lock()
	_, err := s.store.db.Exec("PRAGMA max_page_count = 1")
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"MULTI", "INCR n", "SET big " + strings.Repeat("x", 10_000)} {
		ask(t, conn, in, command)
	}
	if got := ask(t, conn, in, "EXEC"); !strings.HasPrefix(got, "-MISCONF") {
		t.Errorf("EXEC gives %s", got)
	}
	if got := ask(t, conn, in, "INCR n"); got != ":2" {
		t.Errorf("after that n is %s, want what it was and one more", got)
	}
}

func TestShutdownEndsTheServer(t *testing.T) {
	s, err := Open(Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "SHUTDOWN NOSAVE\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), l); err != ErrShutdown {
		t.Errorf("Serve returns %v", err)
	}
}

func TestGlobsMatchAsInRedis(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**a*", "bab", true},
		{"h?llo", "hello", true},
		{"h?llo", "hllo", false},
		{"h[ae]llo", "hallo", true},
		{"h[^e]llo", "hello", false},
		{"h[a-c]llo", "hbllo", true},
		{"h[c-a]llo", "hbllo", true},
		{"h[\\]]llo", "h]llo", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"a\\", "a\\", true},
		{"[abc", "a", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
	} {
		if got := globMatch([]byte(c.pattern), []byte(c.name)); got != c.want {
			t.Errorf("globMatch(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func FuzzGlobNeverPanics(f *testing.F) {
	f.Add([]byte("a*[b-"), []byte("ab"))
	f.Add([]byte("[^\\"), []byte("x"))
	f.Fuzz(func(t *testing.T, pattern, name []byte) {
		globMatch(pattern, name)
		if !globMatch([]byte("*"), name) {
			t.Errorf("* does not match %q", name)
		}
	})
}

func FuzzRequestsAreReadOrRefused(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"))
	f.Add([]byte("*1\r\n$9223372036854775807\r\nx\r\n"))
	f.Add([]byte("*-1\r\nSET \"a b\" 'c'\r\n"))
	f.Add([]byte("\"\xba\xc8\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bufio.NewReaderSize(bytes.NewReader(data), readBuffer)
		for {
			words, err := readRequest(in)
			if err != nil {
				return
			}
			total := 0
			for _, w := range words {
				total += len(w)
			}
			if total > len(data) {
				t.Fatalf("%d bytes of words in %d bytes", total, len(data))
			}
		}
	})
}

// BenchmarkAdd is what putting something into a cart costs: one transaction of three commands, kept on disk.
func BenchmarkAdd(b *testing.B) {
	_, conn := serve(b, b.TempDir())
	in := bufio.NewReader(conn)
	for b.Loop() {
		if _, err := io.WriteString(conn, "MULTI\r\nHINCRBY cart:u MUG 1\r\nHSETNX cart:u since:MUG 1\r\nEXPIRE cart:u 100\r\nEXEC\r\n"); err != nil {
			b.Fatal(err)
		}
		for range 5 + 3 {
			if _, err := in.ReadString('\n'); err != nil {
				b.Fatal(err)
			}
		}
	}
}
