package email

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// mailServer takes mails, one connection at a time, and answers RCPT with the given line.
type mailServer struct {
	addr  string
	mails chan string
}

func startMailServer(t *testing.T, rcpt string) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{addr: l.Addr().String(), mails: make(chan string, 10)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.talk(conn, rcpt)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return s
}

func (s *mailServer) talk(conn net.Conn, rcpt string) {
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = fmt.Fprint(conn, line, "\r\n") }
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(line[:min(4, len(line))]); verb {
		case "RCPT":
			say(rcpt)
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for line != ".\r\n" {
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
				b.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mails <- strings.TrimSuffix(b.String(), "\r\n")
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func withPostman(t *testing.T, addr string) (*server, outboxServer) {
	t.Helper()
	s, o := testServer(t)
	p, err := newPostman(addr, "Shop <orders@shop.example>")
	if err != nil {
		t.Fatal(err)
	}
	s.postman = p
	return s, o
}

func TestAMailServerGetsTheMailAsTextAndHTML(t *testing.T) {
	server := startMailServer(t, "250 ok")
	s, o := withPostman(t, server.addr)
	order := confirm("Bestellung-ü")
	for range 2 { // the second changes nothing
		if _, err := s.SendOrderConfirmation(t.Context(), order); err != nil {
			t.Fatal(err)
		}
	}
	message, err := mail.ReadMessage(strings.NewReader(<-server.mails))
	if err != nil {
		t.Fatal(err)
	}
	kept := list(t, o, 0)
	if len(server.mails) != 0 || len(kept) != 1 {
		t.Fatalf("%d more mails were sent, %d are kept", len(server.mails), len(kept))
	}
	header := message.Header
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || subject != "Your order Bestellung-ü" {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"From": `"Shop" <orders@shop.example>`, "To": "<someone@example.com>", "Mime-Version": "1.0",
		"Date": "Sat, 01 Jun 2030 10:00:00 +0000", "Message-Id": "<" + kept[0].GetId() + "@shop.example>",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v", kind, err)
	}
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for _, want := range [][2]string{{"text/plain; charset=utf-8", kept[0].GetText()}, {"text/html; charset=utf-8", kept[0].GetHtml()}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(string(body), "\r\n", "\n"); got != want[1] || part.Header.Get("Content-Type") != want[0] {
			t.Errorf("%s: %q, want %q", part.Header.Get("Content-Type"), got, want[1])
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("after two parts: %v", err)
	}
}

func TestAMailThatIsNotTakenMayBeSentAgain(t *testing.T) {
	refusing, busy := startMailServer(t, "550 no such box"), startMailServer(t, "451 later")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for addr, want := range map[string]codes.Code{refusing.addr: codes.FailedPrecondition, busy.addr: codes.Unavailable, closed.Addr().String(): codes.Unavailable} {
		s, o := withPostman(t, addr)
		_, err := s.SendOrderConfirmation(t.Context(), confirm("A"))
		if status.Code(err) != want || !strings.Contains(err.Error(), "send mail: ") {
			t.Errorf("got %v, want %v", err, want)
		}
		if n := len(list(t, o, 0)); n != 0 {
			t.Errorf("%d mails are kept", n)
		}
		s.postman.addr = startMailServer(t, "250 ok").addr
		if _, err := s.SendOrderConfirmation(t.Context(), confirm("A")); err != nil {
			t.Errorf("the second try: %v", err)
		}
	}
}

func TestAMailServerThatHangsIsLeft(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	s, _ := withPostman(t, silent.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.SendOrderConfirmation(ctx, confirm("A")); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want DeadlineExceeded", err)
	}
}

func TestAnAddressOfAMailServerIsHostAndPort(t *testing.T) {
	if _, err := newPostman("localhost", "a@example.com"); err == nil || err.Error() != `read SMTP_ADDR="localhost": want host:port` {
		t.Errorf("got %v", err)
	}
	if _, err := newPostman("localhost:25", "nobody"); err == nil || !strings.Contains(err.Error(), "SMTP_FROM") {
		t.Errorf("got %v", err)
	}
}
