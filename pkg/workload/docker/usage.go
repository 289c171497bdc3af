package docker

import (
	"context"

	"github.com/shopctl/shopctl/pkg/engine"
)

// Memory and ProcessorTime implement workload.Meter.
func (c *container) Memory() int64 {
	usage, _ := c.usage()
	return usage.Memory
}

func (c *container) ProcessorTime() (float64, bool) {
	usage, ok := c.usage()
	return usage.CPU.Seconds(), ok
}

func (c *container) usage() (usage engine.Usage, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	usage, err := c.run.Usage(ctx)
	return usage, err == nil
}
