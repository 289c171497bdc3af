package observe

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestATraceOfAnotherClockIsMarked(t *testing.T) {
	came := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for start, want := range map[time.Duration]string{
		0: "", -2 * time.Second: "", -30 * time.Second: "", -3 * time.Hour: " (clock 179m behind)", 20 * time.Minute: " (clock 20m ahead)",
	} {
		s := &controlpb.TraceSummary{Start: timestamppb.New(came.Add(start)), Duration: durationpb.New(time.Second), Received: timestamppb.New(came)}
		if got := clockDiffers(s); got != want {
			t.Errorf("%s: %q, want %q", start, got, want)
		}
	}
	if got := clockDiffers(&controlpb.TraceSummary{Start: timestamppb.New(came)}); got != "" {
		t.Errorf("a trace of a file: %q", got)
	}
}
