package process

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// UnknownImageError reports that no program of this machine runs an image.
type UnknownImageError struct{ Image string }

func (e *UnknownImageError) Error() string {
	return fmt.Sprintf("image %q is not a built-in service", e.Image)
}

// Hint is how to map the image to a program.
func (e *UnknownImageError) Hint() string {
	base := podspec.ImageBase(e.Image)
	return fmt.Sprintf("map it in shopctl.yaml: images: {%s: \"./%s --flag\"}, and allow that file where it is: shopctl config trust", base, base)
}

// program is the program of a container.
type program struct {
	// builtin is a service of this binary; empty for a command.
	builtin string
	command []string
	dir     string
	// mapped: shopctl.yaml names it in place of the image.
	mapped bool
}

// findProgram finds what runs for an image with a container's own command and arguments, which replace the image's
// as Kubernetes defines it: command the entry point, args what follows it.
func findProgram(im workload.Images, builtin func(image string) (string, bool), image string, command, args []string) (program, error) {
	if len(command) > 0 {
		return program{command: slices.Concat(command, args), dir: im.Dir}, nil
	}
	if name, ok := builtin(image); ok {
		return program{builtin: name}, nil
	}
	if words, ok := commandOf(im, image); ok {
		return program{command: slices.Concat(words, args), dir: im.Dir, mapped: true}, nil
	}
	for _, other := range im.Others {
		if words, ok := commandOf(other, image); ok {
			return program{command: slices.Concat(words, args), dir: other.Dir, mapped: true}, nil
		}
	}
	if im.Err != nil {
		return program{}, im.Err
	}
	return program{}, &UnknownImageError{Image: image}
}

// commandOf is the command that stands in the map for an image.
func commandOf(im workload.Images, image string) ([]string, bool) {
	untagged := strings.TrimSuffix(image, ":"+podspec.ImageTag(image))
	last := image[strings.LastIndex(image, "/")+1:]
	for _, name := range []string{image, untagged, last, podspec.ImageBase(image)} {
		if words, ok := im.Commands[name]; ok && len(words) > 0 {
			return words, true
		}
	}
	return nil, false
}
