// Package loadgenerator simulates visitors of the shop.
//
// It is an open model: the rate and the seed decide beforehand when a step is due, never how fast the shop responds,
// and latency is measured from the moment when the step was due. So a shop that stalls for a second shows a second's
// worth of slow steps, where a closed loop would show one (coordinated omission, as Gil Tene calls it).
//
// The steps and their weights are the original's: see journey.
package loadgenerator

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/chassis"
)

// Limits of the environment's numbers.
const (
	maxRate  = 5000 // steps per second
	maxUsers = 2000
	minUsers = 10 // the original's default
)

// Setup registers the service on rt.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	c, err := configure(rt)
	if err != nil {
		return err
	}
	base, err := rt.HTTPAddr("FRONTEND_ADDR")
	if err != nil {
		return err
	}
	g := newGenerator(c, shop{base: base, client: rt.HTTPClient(), newKey: uuid.NewString}, rt.Now)
	rt.ServeHTTP(handler(g))
	if c.rate > 0 {
		rt.Log().Info("load", "rate", c.rate, "seed", c.seed, "users", c.users, "duration", c.duration.String())
		rt.Go("load", g.run)
	}
	return nil
}

// config is the load to make.
type config struct {
	rate     float64 // steps per second; 0: none
	seed     uint64
	users    int
	duration time.Duration // from the first step; 0: forever
}

func configure(rt *chassis.Runtime) (c config, err error) {
	if c.rate, err = rt.EnvFloat("RATE", 0); err != nil {
		return c, err
	}
	if math.IsNaN(c.rate) || c.rate < 0 || c.rate > maxRate {
		return c, fmt.Errorf("read RATE=%q: want steps per second from 0 to %d", rt.Getenv("RATE"), maxRate)
	}
	if c.seed, err = strconv.ParseUint(rt.Env("SEED", "1"), 10, 64); err != nil {
		return c, fmt.Errorf("read SEED=%q: want a whole number such as 42", rt.Getenv("SEED"))
	}
	// By default each visitor takes about one step a second, the shortest pause of the original: enough visitors that a
	// slow response rarely delays the same visitor's next step.
	if c.users, err = rt.EnvInt("USERS", min(maxUsers, max(minUsers, int(math.Ceil(c.rate))))); err != nil {
		return c, err
	}
	if c.users < 1 || c.users > maxUsers {
		return c, fmt.Errorf("read USERS=%q: want 1 to %d", rt.Getenv("USERS"), maxUsers)
	}
	if c.duration, err = rt.EnvDuration("DURATION", 0); err != nil {
		return c, err
	}
	if c.duration < 0 {
		return c, fmt.Errorf("read DURATION=%q: must not be negative", rt.Getenv("DURATION"))
	}
	return c, nil
}

func handler(g *generator) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok"))
	})
	mux.HandleFunc("GET /-/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(g.status()) // the caller may have left
	})
	return mux
}

// random returns one of the independent sequences of a seed.
func random(seed, sequence uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, sequence)) }
