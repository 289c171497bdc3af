package h2_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
)

// frames returns what write sends.
func frames(t testing.TB, write func(p *peer)) []byte {
	var b bytes.Buffer
	p := &peer{Framer: http2.NewFramer(&b, nil), t: t}
	p.enc = hpack.NewEncoder(&p.buf)
	p.AllowIllegalWrites = true
	write(p)
	return b.Bytes()
}

// feed lets a peer send input and hang up, while it reads all that comes.
func feed(theirs net.Conn, input []byte) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, theirs)
	}()
	_, _ = theirs.Write(input)
	_ = theirs.Close()
	<-read
}

// FuzzServer gives a server any bytes after the preface: it must end with its client, and tell each stream so.
func FuzzServer(f *testing.F) {
	f.Add(frames(f, func(p *peer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 3})
		p.headers(1, false, request("/a", hpack.HeaderField{Name: "x-echo", Value: "y"}))
		_ = p.WriteDataPadded(1, false, []byte("hello"), []byte{0, 0})
		p.headers(1, true, fields("a", "b"))
		_ = p.WriteWindowUpdate(1, 5)
		p.headers(3, true, request("/b"))
		_ = p.WritePriority(5, http2.PriorityParam{StreamDep: 3, Weight: 7})
		_ = p.WriteRSTStream(3, http2.ErrCodeCancel)
		_ = p.WritePing(false, [8]byte{1})
		_ = p.WriteGoAway(0, http2.ErrCodeNo, []byte("bye"))
	}))
	f.Add(frames(f, func(p *peer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
		block := p.encode(request("/a"))
		_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:3]})
		_ = p.WriteContinuation(1, true, block[3:])
		_ = p.WriteData(1, true, make([]byte, 16<<10))
	}))
	f.Fuzz(func(t *testing.T, input []byte) {
		ours, theirs := net.Pipe()
		c := serve(t, h2.Server(ours, h2.Options{}, h2test.Echo))
		feed(theirs, append([]byte(http2.ClientPreface), input...))
		<-c.Done()
		if c.Active() != 0 {
			t.Errorf("%d streams are left", c.Active())
		}
	})
}

// FuzzClient gives a client that has three streams open any bytes.
func FuzzClient(f *testing.F) {
	f.Add(frames(f, func(p *peer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		p.headers(1, false, fields(":status", "100"))
		p.headers(1, false, fields(":status", "200", "content-length", "5"))
		_ = p.WriteData(1, false, []byte("hello"))
		p.headers(1, true, fields("grpc-status", "0"))
		p.headers(3, true, fields(":status", "200", "grpc-status", "14"))
		_ = p.WriteRSTStream(5, http2.ErrCodeRefusedStream)
	}))
	f.Add(frames(f, func(p *peer) {
		_ = p.WriteSettings()
		_ = p.WriteGoAway(3, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
		_ = p.WriteWindowUpdate(0, 1<<31-1)
	}))
	f.Fuzz(func(t *testing.T, input []byte) {
		ours, theirs := net.Pipe()
		c := serve(t, h2.Client(ours, h2.Options{}))
		var all []*exchange
		for range 3 {
			_, e := opened(t, c)
			all = append(all, e)
		}
		feed(theirs, input)
		<-c.Done()
		for _, e := range all {
			<-e.done
		}
	})
}
