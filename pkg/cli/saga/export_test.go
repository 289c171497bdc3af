package saga

import (
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/court"
)

// Draw draws a verdict as the command does, and ViewOf is its JSON.
func Draw(ios *iostreams.IO, service string, v *court.Verdict) {
	(&proveOptions{ios: ios}).draw(ios.Out, service, v)
}

func ViewOf(service string, v *court.Verdict) any { return viewOf(service, v) }
