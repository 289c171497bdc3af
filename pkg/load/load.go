// Package load controls the shop's load generator, which is a service like any other: it is configured by the
// environment of its Deployment and reports its status over HTTP. Starting and stopping load are therefore edits of that
// Deployment.
package load

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Workload is the Deployment that generates the load.
const Workload = "loadgenerator"

// Variables of the load generator's environment.
const (
	// EnvRate is the number of journey steps that start each second; 0: idle.
	EnvRate = "RATE"
	// EnvSeed seeds the journeys: the same seed gives the same sequence.
	EnvSeed = "SEED"
	// EnvDuration is how long the load lasts from its first step, as a Go duration; 0: until stopped.
	EnvDuration = "DURATION"
)

// MaxRate is the highest rate that a load generator accepts, in steps per second.
const MaxRate = 5000

// Spec is a load.
type Spec struct {
	// Rate in journey steps (a page, a form) per second.
	Rate float64
	Seed uint64
	// For is how long it lasts; 0: until it is stopped.
	For time.Duration
}

// Validate returns nil for a load that can be generated.
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

// Start returns the variables that start a load, or change the one that runs.
func Start(s Spec) (map[string]string, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Rate == 0 {
		return nil, errors.New("rate 0: want more than 0 steps per second")
	}
	return env(s), nil
}

// Stop returns the variables that end every load. The seed of a later load does not depend on the last one's.
func Stop() map[string]string { return env(Spec{}) }

// env returns the variables of a load.
func env(s Spec) map[string]string {
	return map[string]string{
		EnvRate:     strconv.FormatFloat(s.Rate, 'f', -1, 64),
		EnvSeed:     strconv.FormatUint(s.Seed, 10),
		EnvDuration: s.For.String(),
	}
}
