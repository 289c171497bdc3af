package lesson

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// warmUp is how long the steady state may take under load: rates need some samples.
const warmUp = 45 * time.Second

func (s *Session) steadyBefore() time.Duration {
	if s.lesson.Shop.Load > 0 {
		return warmUp
	}
	return steadyBefore
}

// seed decides the sequence of customers under load.
func (s *Session) seed() int64 { return cmp.Or(s.deps.Seed, s.lesson.Shop.Seed) }

// startLoad starts the load that the lesson declares, by the command that people use. The rollback restores the
// load before.
func (s *Session) startLoad(ctx context.Context) error {
	rate := s.lesson.Shop.Load
	if rate <= 0 {
		return nil
	}
	args := []string{"load", "start", "--rate", strconv.FormatFloat(rate, 'f', -1, 64), "--seed", strconv.FormatInt(max(s.seed(), 1), 10)}
	out, exit, err := s.Shopctl(ctx, args)
	if err == nil && exit != 0 {
		err = errors.New(strings.TrimSpace(out))
	}
	if err != nil {
		return fmt.Errorf("start the lesson's load: %w", err)
	}
	return nil
}
