package embedded

import (
	"bufio"
	"bytes"
	"context"
	"database/sql/driver"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
)

// stored returns a database file that contains carts.
func stored(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	_, err := withServer(t, dir, slog.New(slog.DiscardHandler), func(s *Server) error {
		return s.locked(true, func() error {
			for i := range byte(200) {
				if err := s.store.setString([]byte{i}, bytes.Repeat([]byte{i}, 500), 0); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withServer opens a server over dir, uses it, closes it, and returns how many keys it has.
func withServer(t *testing.T, dir string, log *slog.Logger, use func(*Server) error) (keys int64, err error) {
	t.Helper()
	s, err := Open(Config{Dir: dir, Now: time.Now, Log: log})
	if err != nil {
		return 0, err
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	if err := use(s); err != nil {
		return 0, err
	}
	return s.store.size()
}

func setOne(s *Server) error {
	return s.locked(true, func() error { return s.store.setString([]byte("new"), []byte("v"), 0) })
}

func TestAnUnreadableDatabaseIsKeptAndTheStoreStartsEmpty(t *testing.T) {
	whole := stored(t)
	garbled := bytes.Clone(whole)
	for i := 5000; i < len(garbled)-5000; i++ {
		garbled[i] ^= 0x5a
	}
	zeroed := bytes.Clone(whole)
	clear(zeroed[4096:])
	for name, content := range map[string][]byte{
		"text":            []byte("these are not the carts\n" + strings.Repeat("x", 5000)),
		"a short text":    []byte("{}"),
		"truncated":       whole[:len(whole)/2],
		"a torn page":     whole[:len(whole)-1000],
		"the header only": whole[:100],
		"garbled pages":   garbled,
		"zeroed pages":    zeroed,
		"a foreign one":   foreignDatabase(t),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, databaseName)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var logs bytes.Buffer
			keys, err := withServer(t, dir, slog.New(slog.NewTextHandler(&logs, nil)), setOne)
			if err != nil || keys != 1 {
				t.Fatalf("the store has %d keys, error %v, want 1 key", keys, err)
			}
			kept, err := filepath.Glob(path + ".corrupt-*")
			if err != nil || len(kept) != 1 {
				t.Fatalf("kept are %q, %v", kept, err)
			}
			if data, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(data, content) {
				t.Errorf("the kept file has %d bytes, %v, want the %d that were found", len(data), err, len(content))
			}
			for _, want := range []string{"level=WARN", "unreadable", kept[0], "hint=", ".recover"} {
				if !strings.Contains(logs.String(), want) {
					t.Errorf("the log has no %q:\n%s", want, logs.String())
				}
			}
			logs.Reset()
			keys, err = withServer(t, dir, slog.New(slog.NewTextHandler(&logs, nil)), setOne)
			if err != nil || keys != 1 || logs.Len() > 0 {
				t.Errorf("the second start has %d keys, error %v, log %q", keys, err, logs.String())
			}
		})
	}
}

// foreignDatabase is a database whose tables are not those of carts.
func foreignDatabase(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	db, err := durable.Connect(path, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"CREATE TABLE entry (song TEXT)", "INSERT INTO entry VALUES ('a')"} {
		if err := db.Query(func([]driver.Value) error { return nil }, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTheLogOfAnUnreadableDatabaseIsNotAppliedToTheNextOne(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseName), stored(t), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := withServer(t, dir, slog.New(slog.DiscardHandler), func(s *Server) error {
		if err := setOne(s); err != nil {
			return err
		}
		return os.CopyFS(killed, os.DirFS(dir)) // what a kill -9 leaves
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(killed, databaseName)
	if log, err := os.Stat(path + "-wal"); err != nil || log.Size() == 0 {
		t.Fatalf("no log was left: %v", err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1024), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := withServer(t, killed, slog.New(slog.DiscardHandler), func(*Server) error { return nil })
	if err != nil || keys != 0 {
		t.Errorf("the next store has %d keys, error %v, want an empty one", keys, err)
	}
}

func TestAKeptDatabaseIsNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, databaseName)
	kept := path + ".corrupt-19700101T000000"
	for _, name := range []string{kept, kept + "-2", kept + "-3"} {
		if err := os.WriteFile(path, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Config{Dir: dir, Now: func() time.Time { return time.Unix(0, 0) }, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{kept, kept + "-2", kept + "-3"} {
		if data, err := os.ReadFile(name); err != nil || string(data) != "content of "+name {
			t.Errorf("%s contains %q, %v", name, data, err)
		}
	}
}

func TestADatabaseThatCannotBeOpenedIsNotMoved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, databaseName)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := withServer(t, dir, slog.New(slog.DiscardHandler), setOne); err == nil {
		t.Error("a directory in place of the database is accepted")
	}
	if kept, err := filepath.Glob(path + ".*"); err != nil || len(kept) > 0 {
		t.Errorf("it was moved to %q, %v", kept, err)
	}
}

// exhausted is a listener of a process that has no file descriptors left, a number of times.
type exhausted struct {
	net.Listener
	times int
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.times > 0 {
		l.times--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

func TestTheStoreOutlivesALackOfFileDescriptors(t *testing.T) {
	var logs bytes.Buffer
	s, err := Open(Config{Now: time.Now, Log: slog.New(slog.NewTextHandler(&logs, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		defer l.Close() // a server that gives up resets the connection below
		done <- s.Serve(ctx, &exhausted{Listener: l, times: 4})
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := bufio.NewReader(conn).ReadString('\n'); err != nil || got != "+PONG\r\n" {
		t.Errorf("after it, PING gives %q, %v", got, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if got := strings.Count(logs.String(), "cannot accept connections"); got != 1 {
		t.Errorf("the lack is logged %d times:\n%s", got, logs.String())
	}
}
