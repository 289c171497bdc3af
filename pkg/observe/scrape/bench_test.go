package scrape

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

// BenchmarkReadOneInstance parses and stores an exposition of three hundred series, as a service has, again
// and again.
func BenchmarkReadOneInstance(b *testing.B) {
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "grpc_server_handling_seconds_bucket{grpc_method=\"M%d\",grpc_service=\"hipstershop.CartService\",grpc_type=\"unary\",le=\"%d\"} %d\n", i/16, i%16, i*i)
	}
	l, db := newLoop(target("cart", "127.0.0.1:1")), tsdb.New(tsdb.Config{})
	var limits Limits
	limits.setDefaults()
	answer := body{text: []byte(text.String()), contentType: "text/plain"}
	b.SetBytes(int64(len(answer.text)))
	b.ReportAllocs()
	for at := int64(0); b.Loop(); at += 5000 {
		if _, err := l.parse(answer, limits); err != nil {
			b.Fatal(err)
		}
		l.store(db, at, time.Millisecond, nil)
	}
}
