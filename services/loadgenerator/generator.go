package loadgenerator

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds of queues and waits.
const (
	// maxWaiting is how many steps of one visitor may be due and not yet sent. Steps beyond it are not sent and count
	// as errors.
	maxWaiting = 64
	// leaveTimeout is how long steps in progress may take when the load ends.
	leaveTimeout = 2 * time.Second
)

// generator makes the load. One goroutine decides which step is due when; each visitor has one that takes the visitor's
// steps one after the other, as a person does.
type generator struct {
	config
	shop  shop
	now   func() time.Time
	stats *stats
}

func newGenerator(c config, s shop, now func() time.Time) *generator {
	return &generator{config: c, shop: s, now: now, stats: newStats(c)}
}

// due is a step and when it should be sent.
type due struct {
	step
	at time.Time
}

// run waits for the shop, then makes the load until its duration is over or ctx ends, and lets steps in progress
// finish.
func (g *generator) run(ctx context.Context) error {
	g.stats.become(stateWaiting, time.Time{})
	if err := g.shop.await(ctx); err != nil {
		return nil // the service ends before the shop is there
	}
	// Steps in progress may end a little after ctx, so that no order is interrupted.
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stopCutting := context.AfterFunc(ctx, func() { time.AfterFunc(leaveTimeout, cut) })
	defer stopCutting()

	start := g.now()
	g.stats.become(stateRunning, start)
	var visitors sync.WaitGroup
	queues := make([]chan due, g.users)
	journeys := make([]*journey, g.users)
	for i := range g.users {
		queues[i] = make(chan due, maxWaiting)
		journeys[i] = newJourney(g.seed, i, start.Year())
		visitors.Go(func() { g.visit(ctx, sending, queues[i]) })
	}
	times := newArrivals(g.seed, g.rate)
	for i := 0; ; i++ {
		at := start.Add(times.next())
		if g.duration > 0 && at.Sub(start) > g.duration || !sleepUntil(ctx, at, g.now) {
			break
		}
		visitor := i % g.users
		st := journeys[visitor].next()
		g.stats.due()
		select {
		case queues[visitor] <- due{st, at}:
		default:
			g.stats.record(st.task, 0, g.now(), errBacklog)
		}
	}
	for _, q := range queues {
		close(q)
	}
	visitors.Wait()
	if ctx.Err() == nil {
		g.stats.become(stateDone, start.Add(g.duration))
	}
	return nil
}

// visit takes one visitor's steps. When ctx ends, steps not yet sent are dropped and not counted, since the shop did
// not fail.
func (g *generator) visit(ctx, sending context.Context, queue <-chan due) {
	browser := g.shop.browser()
	for d := range queue {
		if ctx.Err() != nil {
			g.stats.drop()
			continue
		}
		err := browser.do(sending, d.step)
		if sending.Err() != nil {
			g.stats.drop()
			continue
		}
		now := g.now()
		g.stats.record(d.task, now.Sub(d.at), now, err)
	}
}

// sleepUntil returns false if ctx ended before.
func sleepUntil(ctx context.Context, at time.Time, now func() time.Time) bool {
	wait := at.Sub(now())
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// arrivals are the times of a Poisson process: visitors are independent.
type arrivals struct {
	rnd  *rand.Rand
	rate float64
	at   float64 // seconds
}

func newArrivals(seed uint64, rate float64) *arrivals {
	return &arrivals{rnd: random(seed, 0), rate: rate}
}

// next returns when the next step is due, from the start.
func (a *arrivals) next() time.Duration {
	a.at += a.rnd.ExpFloat64() / a.rate
	return time.Duration(a.at * float64(time.Second))
}
