package call_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
)

func TestWhatGoesOverAConnectionCanBeReadAsText(t *testing.T) {
	_, target := startCart(t)
	var out bytes.Buffer
	c := call.New(call.Config{Now: time.Now, Rand: strings.NewReader(""), Wire: call.NewWire(&out)})
	r := invoke(t, c, call.Request{Target: target, Method: "AddItem", Messages: strings.NewReader(`{"user_id":"somebody","item":{"productId":"4432801561520454","quantity":2}}`)})
	if err := c.Close(); err != nil || r.Status.Code() != codes.OK {
		t.Fatalf("status %v, error %v", r.Status, err)
	}
	text := out.String()
	for _, want := range []string{`(?m)^> \d+ bytes\nPRI \* HTTP/2\.0\.SM`, `\.somebody\..*4432801561520454`, `(?m)^< \d+ bytes$`} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
		t.Errorf("byte %d of the text is none for a terminal: %q", i, text)
	}
}
