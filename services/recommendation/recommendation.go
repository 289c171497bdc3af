// Package recommendation is the recommendationservice.
package recommendation

import (
	"context"
	_ "embed" // the manifest

	"github.com/shopctl/shopctl/pkg/chassis"
)

// Manifest holds the service's Kubernetes objects.
//
//go:embed manifest.yaml
var Manifest []byte

// Setup registers the service on rt.
func Setup(ctx context.Context, rt *chassis.Runtime) error {
	return nil
}
