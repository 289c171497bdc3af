// Package rediscart is the store of the carts.
package rediscart

import (
	"context"

	"github.com/shopctl/shopctl/pkg/chassis"
)

// Setup serves the Redis protocol on rt's port.
func Setup(ctx context.Context, rt *chassis.Runtime) error {
	return nil
}
