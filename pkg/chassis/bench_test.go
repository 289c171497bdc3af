package chassis_test

import (
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// BenchmarkCall is what the chassis adds to a call: "bare" is plain gRPC, "chassis" adds metrics, health
// and faults, "traced" exports spans as well, "relayed" is two services in a row.
func BenchmarkCall(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := grpc.NewServer()
		pb.RegisterAdServiceServer(s, ads{get: noAds})
		done := make(chan struct{})
		go func() { defer close(done); _ = s.Serve(l) }()
		defer func() { s.Stop(); <-done }()
		call(b, l.Addr().String())
	})
	b.Run("chassis", func(b *testing.B) {
		call(b, chassistest.Start(b, serving(noAds), nil).Addr)
	})
	b.Run("traced", func(b *testing.B) {
		sink := chassistest.NewSink(b)
		call(b, chassistest.Start(b, serving(noAds), nil, chassistest.WithSink(sink)).Addr)
	})
	b.Run("relayed", func(b *testing.B) {
		sink := chassistest.NewSink(b)
		back := chassistest.Start(b, serving(noAds), nil, chassistest.WithSink(sink))
		call(b, chassistest.Start(b, relay(), map[string]string{"AD_SERVICE_ADDR": back.Addr}, chassistest.WithSink(sink)).Addr)
	})
}

func call(b *testing.B, addr string) {
	b.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	client := pb.NewAdServiceClient(conn)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := client.GetAds(b.Context(), &pb.AdRequest{}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
