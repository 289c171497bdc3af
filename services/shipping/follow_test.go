package shipping

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// received is a client that keeps what it gets, and when.
type received struct {
	grpc.ServerStream
	ctx     context.Context
	updates []*shopv1.StatusUpdate
	at      []time.Time
	// full makes Send fail after so many updates.
	full int
}

func (r *received) Context() context.Context { return r.ctx }

func (r *received) Send(u *shopv1.StatusUpdate) error {
	if r.full > 0 && len(r.updates) == r.full {
		return status.Error(codes.Unavailable, "transport is closing")
	}
	r.updates, r.at = append(r.updates, u), append(r.at, time.Now())
	return nil
}

func (r *received) sequences() []int32 {
	var numbers []int32
	for _, u := range r.updates {
		numbers = append(numbers, u.GetSequence())
	}
	return numbers
}

// follower has a parcel that begins its way now, at a pace of 2 s.
func follower() (t *tracking, id string, leave func()) {
	draining := make(chan struct{})
	t = &tracking{now: time.Now, pace: 2 * time.Second, draining: draining, log: slog.New(slog.DiscardHandler)}
	return t, (&issuer{now: time.Now, random: func(int) int { return 0 }}).next("address"), func() { close(draining) }
}

func TestAParcelGoesThroughAllStatesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id, _ := follower()
		start, r := time.Now(), &received{ctx: t.Context()}
		if err := s.Follow(&shopv1.FollowRequest{TrackingId: id}, r); err != nil {
			t.Fatal(err)
		}
		want := []string{"LABEL_CREATED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED"}
		if len(r.updates) != len(want) {
			t.Fatalf("%d updates, want %d", len(r.updates), len(want))
		}
		for i, u := range r.updates {
			at := start.Add(time.Duration(i) * 2 * time.Second)
			if u.GetSequence() != int32(i+1) || u.GetState().String() != want[i] || u.GetTrackingId() != id {
				t.Errorf("update %d is %v", i+1, u)
			}
			if !r.at[i].Equal(at) || !u.GetTime().AsTime().Equal(at) {
				t.Errorf("update %d of %v came %v after the start, want %v", i+1, u.GetTime().AsTime(), r.at[i].Sub(start), at.Sub(start))
			}
		}
	})
}

func TestWhatIsPastComesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id, _ := follower()
		time.Sleep(time.Hour)
		for after := range lastUpdate + 1 {
			start, r := time.Now(), &received{ctx: t.Context()}
			err := s.Follow(&shopv1.FollowRequest{TrackingId: id, After: after}, r)
			if err != nil || int32(len(r.updates)) != lastUpdate-after || time.Now() != start {
				t.Errorf("after %d: %v, %v", after, r.sequences(), err)
			}
		}
	})
}

// Whenever and however often a stream breaks, those who ask on with what they have get each update once.
func TestAResumedStreamLosesNothingAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for patience := time.Duration(0); patience < 9*time.Second; patience += 500 * time.Millisecond {
			s, id, _ := follower()
			var got []int32
			for calls := 1; len(got) < int(lastUpdate); calls++ {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				r := &received{ctx: ctx, full: calls % 3}
				var after int32
				if len(got) > 0 {
					after = got[len(got)-1]
				}
				err := s.Follow(&shopv1.FollowRequest{TrackingId: id, After: after}, r)
				cancel()
				got = append(got, r.sequences()...)
				if err == nil && len(got) < int(lastUpdate) {
					t.Fatalf("the stream ended with OK after %v", got)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if !slices.Equal(got, []int32{1, 2, 3, 4, 5}) {
				t.Errorf("with a deadline of %v: %v", patience, got)
			}
		}
	})
}

func TestAStreamEndsWithItsClientItsDeadlineAndItsServer(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(cancel func(), leave func())
		want codes.Code
	}{
		"client": {func(cancel, _ func()) { cancel() }, codes.Canceled},
		"server": {func(_, leave func()) { leave() }, codes.Unavailable},
		"time":   {func(func(), func()) { time.Sleep(time.Second) }, codes.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, id, leave := follower()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				r, ended := &received{ctx: ctx}, make(chan error, 1)
				go func() { ended <- s.Follow(&shopv1.FollowRequest{TrackingId: id}, r) }()
				time.Sleep(2500 * time.Millisecond)
				c.end(cancel, leave)
				err := <-ended
				if status.Code(err) != c.want || !slices.Equal(r.sequences(), []int32{1, 2}) {
					t.Errorf("%v after %v, want %v", err, r.sequences(), c.want)
				}
				if c.want == codes.Unavailable && !strings.Contains(err.Error(), "follow "+id+" again, after 2") {
					t.Errorf("the error does not say how to go on: %v", err)
				}
			})
		})
	}
}

func TestARequestThatNamesNoUpdateOfAParcelIsRefused(t *testing.T) {
	s, id, _ := follower()
	for _, c := range []struct {
		id    string
		after int32
		want  codes.Code
		text  string
	}{
		{"", 0, codes.InvalidArgument, "tracking_id is missing"},
		{"UT-44031-220429634", 0, codes.NotFound, `no parcel with tracking id "UT-44031-220429634"`},
		{"nonsense", 0, codes.NotFound, `no parcel with tracking id "nonsense"`},
		{id, -1, codes.InvalidArgument, "after is -1"},
		{id, 6, codes.OutOfRange, "the last update of a parcel is number 5"},
	} {
		err := s.Follow(&shopv1.FollowRequest{TrackingId: c.id, After: c.after}, &received{ctx: t.Context()})
		if got := status.Convert(err); got.Code() != c.want || !strings.Contains(got.Message(), c.text) {
			t.Errorf("%q after %d: %v", c.id, c.after, err)
		}
	}
}

func TestThePaceIsADurationThatMakesSense(t *testing.T) {
	for pace, good := range map[time.Duration]bool{
		-time.Second: false, 0: false, time.Millisecond: true, defaultPace: true, maxPace: true, maxPace + 1: false,
	} {
		if err := checkPace(pace); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "PARCEL_PACE") {
			t.Errorf("%v: %v", pace, err)
		}
	}
}

// follow reads a stream until it has so many updates, or ends.
func follow(t *testing.T, conn *grpc.ClientConn, id string, after int32, enough int) (got []int32, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := shopv1.NewTrackingClient(conn).Follow(ctx, &shopv1.FollowRequest{TrackingId: id, After: after})
	for err == nil && len(got) < enough {
		var u *shopv1.StatusUpdate
		if u, err = stream.Recv(); err == nil {
			got = append(got, u.GetSequence())
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return got, err
}

func TestAParcelOfAReplicaThatIsGoneIsFollowedOnAnother(t *testing.T) {
	env := map[string]string{"PARCEL_PACE": "40ms"}
	for name, end := range map[string]func(*chassistest.Service) error{
		"killed": (*chassistest.Service).Kill,
		"left":   (*chassistest.Service).Stop,
	} {
		t.Run(name, func(t *testing.T) {
			first, second := chassistest.Start(t, Setup, env), chassistest.Start(t, Setup, env)
			shipped, err := hipstershop.NewShippingServiceClient(first.Conn()).ShipOrder(t.Context(), &hipstershop.ShipOrderRequest{Address: headquarters()})
			if err != nil {
				t.Fatal(err)
			}
			got, err := follow(t, first.Conn(), shipped.GetTrackingId(), 0, 2)
			if err != nil {
				t.Fatal(err)
			}
			_ = end(first)
			rest, err := follow(t, second.Conn(), shipped.GetTrackingId(), got[len(got)-1], 10)
			if all := append(got, rest...); err != nil || !slices.Equal(all, []int32{1, 2, 3, 4, 5}) {
				t.Errorf("got %v, %v", all, err)
			}
		})
	}
}

func TestADrainingServiceSendsItsFollowersAway(t *testing.T) {
	s := chassistest.Start(t, Setup, map[string]string{"PARCEL_PACE": "1h"})
	shipped, err := hipstershop.NewShippingServiceClient(s.Conn()).ShipOrder(t.Context(), &hipstershop.ShipOrderRequest{Address: headquarters()})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := shopv1.NewTrackingClient(s.Conn()).Follow(t.Context(), &shopv1.FollowRequest{TrackingId: shipped.GetTrackingId()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "after 1") {
		t.Errorf("the stream ended with %v", err)
	}
}
