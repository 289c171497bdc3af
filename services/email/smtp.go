package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// sendTimeout bounds the SMTP session if the caller's deadline is later.
const sendTimeout = 10 * time.Second

// postman sends letters to a mail server.
type postman struct {
	addr string // host:port
	host string
	from *mail.Address
}

func newPostman(addr, from string) (*postman, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read SMTP_ADDR=%q: want host:port", addr)
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("read SMTP_FROM=%q: want an address such as orders@shop.example", from)
	}
	return &postman{addr: addr, host: host, from: sender}, nil
}

// send returns nil when the server has accepted the letter.
func (p *postman) send(ctx context.Context, l letter, at time.Time) error {
	message, err := p.compose(l, at)
	if err != nil {
		return fmt.Errorf("compose mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	// net/smtp has no context; closing the connection ends any wait.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := smtp.NewClient(conn, p.host)
	if err != nil {
		return fmt.Errorf("send mail: %w", errors.Join(err, conn.Close()))
	}
	if err := p.talk(client, l.To, message); err != nil {
		return fmt.Errorf("send mail: %w", errors.Join(err, client.Close()))
	}
	// The server has accepted the letter; an error of QUIT does not matter.
	if client.Quit() != nil {
		_ = client.Close()
	}
	return nil
}

func (p *postman) talk(client *smtp.Client, to string, message []byte) error {
	if offered, _ := client.Extension("STARTTLS"); offered {
		if err := client.StartTLS(&tls.Config{ServerName: p.host}); err != nil {
			return err
		}
	}
	if err := client.Mail(p.from.Address); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(message); err != nil {
		return err
	}
	return body.Close()
}

// compose writes the letter by RFC 5322 and MIME, as text and HTML.
func (p *postman) compose(l letter, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	for _, header := range [][2]string{
		{"From", p.from.String()},
		{"To", (&mail.Address{Address: l.To}).String()},
		{"Subject", mime.QEncoding.Encode("utf-8", l.Subject)},
		{"Date", at.Format(time.RFC1123Z)},
		{"Message-ID", "<" + l.ID + "@" + domain(p.from.Address) + ">"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "multipart/alternative; boundary=" + parts.Boundary()},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", header[0], header[1])
	}
	b.WriteString("\r\n")
	for _, body := range [][2]string{{"text/plain", l.Text}, {"text/html", l.HTML}} {
		part, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type":              {body[0] + "; charset=utf-8"},
			"Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		encoder := quotedprintable.NewWriter(part)
		if _, err := io.WriteString(encoder, body[1]); err != nil {
			return nil, err
		}
		if err := encoder.Close(); err != nil {
			return nil, err
		}
	}
	if err := parts.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func domain(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}

// sendError returns an error whose code says whether a retry could help.
func sendError(ctx context.Context, err error) error {
	var reply *textproto.Error
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case errors.As(err, &reply) && reply.Code >= 500:
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return status.Error(codes.Unavailable, err.Error())
}
