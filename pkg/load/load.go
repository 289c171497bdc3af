// Package load steers the shop's load generator, which is a service like any other: what it should
// do is the environment of its Deployment, what it does it tells over HTTP. Starting load is
// therefore an edit of an object, and so is stopping it.
package load

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/shopctl/shopctl/pkg/rpc/control"
)

// Workload is the Deployment that makes the load.
const Workload = "loadgenerator"

// Variables of the load generator's environment.
const (
	// EnvRate is the number of journey steps that start each second; 0: idle.
	EnvRate = "RATE"
	// EnvSeed decides who does what when: the same seed gives the same sequence.
	EnvSeed = "SEED"
	// EnvDuration is how long the load lasts from its first step, as a Go duration; 0: until stopped.
	EnvDuration = "DURATION"
)

// MaxRate is the highest rate that a load generator accepts, in steps per second.
const MaxRate = 5000

// Spec is the load that one wants.
type Spec struct {
	// Rate in journey steps (a page, a form) per second.
	Rate float64
	Seed uint64
	// For is how long it lasts; 0: until it is stopped.
	For time.Duration
}

// Validate returns nil for a load that can be made.
func (s Spec) Validate() error {
	switch {
	case math.IsNaN(s.Rate) || s.Rate < 0:
		return fmt.Errorf("rate %v: must not be negative", s.Rate)
	case s.Rate > MaxRate:
		return fmt.Errorf("rate %v: at most %d steps per second", s.Rate, MaxRate)
	case s.For < 0:
		return fmt.Errorf("duration %s: must not be negative", s.For)
	}
	return nil
}

// Env returns the variables that ask the load generator for a load. A valid load with rate 0 is none.
func Env(s Spec) map[string]string {
	return map[string]string{
		EnvRate:     strconv.FormatFloat(s.Rate, 'f', -1, 64),
		EnvSeed:     strconv.FormatUint(s.Seed, 10),
		EnvDuration: s.For.String(),
	}
}

// Start returns the edit that starts a load, or changes the one that runs.
func Start(s Spec, namespace string) (*control.EditRequest, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Rate == 0 {
		return nil, errors.New("rate 0: a load needs at least some steps per second")
	}
	return edit(s, namespace), nil
}

// Stop returns the edit that ends every load. The seed of a later load does not depend on the last one's.
func Stop(namespace string) *control.EditRequest {
	return edit(Spec{}, namespace)
}

func edit(s Spec, namespace string) *control.EditRequest {
	return &control.EditRequest{
		Services:  []string{Workload},
		Namespace: namespace,
		Operation: &control.EditRequest_SetEnv{SetEnv: &control.SetEnv{Set: Env(s)}},
	}
}
