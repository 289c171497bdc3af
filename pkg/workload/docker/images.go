package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// MissingImageError reports an image that the engine does not have, and that is not a built-in service.
type MissingImageError struct{ Image, Host string }

func (e *MissingImageError) Error() string {
	return fmt.Sprintf("image %q is neither on the engine at %s nor a built-in service", e.Image, e.Host)
}

// Hint is the two ways to get it there: the engine does not pull by itself.
func (e *MissingImageError) Hint() string {
	return fmt.Sprintf("docker pull %s  # or build it: docker build -t %s .", e.Image, e.Image)
}

const (
	// imageAge is how long what is known of an image is believed, and lookupTimeout bounds a question for it.
	imageAge      = 3 * time.Second
	lookupTimeout = 2 * time.Second
)

// images remembers which images the engine has: the controller asks at every change.
type images struct {
	engine *engine.Engine
	about  engine.About
	now    func() time.Time

	mu    sync.Mutex
	known map[string]lookup
}

// lookup is what is known of an image.
type lookup struct {
	at      time.Time
	err     error
	listens int
	warning string
}

// find finds an image on the engine. While the engine does not answer, what was known before holds.
func (i *images) find(image string) (lookup, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	old, known := i.known[image]
	if known && i.now().Sub(old.at) < imageAge {
		return old, old.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	is, err := i.engine.Image(ctx, image)
	found := lookup{at: i.now()}
	switch {
	case err == nil:
		found.listens, found.warning = firstPort(is.Listens), i.mismatch(is)
	case errors.Is(err, engine.ErrNoImage):
		found.err = &MissingImageError{image, i.engine.Host}
	case known:
		found = old
		found.at = i.now()
	default:
		return lookup{}, err
	}
	i.known[image] = found
	return found, found.err
}

// mismatch warns of an image of another platform, which the engine runs by emulation if at all.
func (i *images) mismatch(is engine.Image) string {
	if is.Arch == "" || i.about.Arch == "" || is.Arch == i.about.Arch && is.OS == i.about.OS {
		return ""
	}
	return fmt.Sprintf("its image is for %s/%s, and the engine runs %s/%s: docker pull --platform %s/%s", is.OS, is.Arch, i.about.OS, i.about.Arch, i.about.OS, i.about.Arch)
}

// firstPort is the first TCP port of those that an image says it serves, "6379/tcp"; 0: none.
func firstPort(listens []string) int {
	for _, l := range listens {
		number, protocol, _ := strings.Cut(l, "/")
		if n, err := strconv.Atoi(number); err == nil && protocol != "udp" {
			return n
		}
	}
	return 0
}

// portOf is the port that a container is expected to serve: one that it declares, or that its image does; 0: none is known.
func portOf(c *podspec.Container, prog program) int {
	if len(c.Ports) > 0 {
		return int(c.Ports[0].Number)
	}
	return prog.listens
}
