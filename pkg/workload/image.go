package workload

import (
	"fmt"
	"slices"
	"strings"
)

// Images maps container images to commands of this machine, as shopctl.yaml's images does.
type Images struct {
	// Commands with their arguments by image: "myapp" or "registry/team/myapp:v2". The most exact name wins.
	Commands map[string][]string
	// Dir is what the commands' relative paths start from.
	Dir string
	// Err is why the map cannot be read.
	Err error
}

// UnknownImageError tells that nothing on this machine stands for an image.
type UnknownImageError struct{ Image string }

func (e *UnknownImageError) Error() string {
	return fmt.Sprintf("image %q is no built-in service", e.Image)
}

// Hint tells how to map the image.
func (e *UnknownImageError) Hint() string {
	base := imageBase(e.Image)
	return fmt.Sprintf("map it in shopctl.yaml: images: {%s: \"./%s --flag\"}", base, base)
}

// CheckImage tells whether something on this machine stands for a container's image and command.
func CheckImage(cfg Config, image string, command []string) error {
	cfg = cfg.withDefaults()
	_, err := cfg.Images().program(cfg.Builtin, image, command, nil)
	return err
}

// program is what an image stands for.
type program struct {
	builtin string
	command []string
	dir     string
	tag     string
}

// program resolves an image and a container's own command and arguments, which replace the image's
// as Kubernetes says: command the entry point, args what follows it.
func (im Images) program(builtin func(string) (string, string, bool), image string, command, args []string) (program, error) {
	if len(command) > 0 {
		return program{command: slices.Concat(command, args), dir: im.Dir, tag: imageTag(image)}, nil
	}
	if words, ok := im.lookup(image); ok {
		return program{command: slices.Concat(words, args), dir: im.Dir, tag: imageTag(image)}, nil
	}
	if name, tag, ok := builtin(image); ok {
		return program{builtin: name, tag: tag}, nil
	}
	if im.Err != nil {
		return program{}, im.Err
	}
	return program{}, &UnknownImageError{Image: image}
}

func (im Images) lookup(image string) ([]string, bool) {
	untagged := strings.TrimSuffix(image, ":"+imageTag(image))
	last := image[strings.LastIndex(image, "/")+1:]
	for _, name := range []string{image, untagged, last, imageBase(image)} {
		if words, ok := im.Commands[name]; ok && len(words) > 0 {
			return words, true
		}
	}
	return nil, false
}

// imageBase is the last element of an image's path without tag and digest.
func imageBase(image string) string {
	name, _, _ := strings.Cut(image, "@")
	name = name[strings.LastIndex(name, "/")+1:]
	name, _, _ = strings.Cut(name, ":")
	return name
}

func imageTag(image string) string {
	name, _, _ := strings.Cut(image, "@")
	_, tag, ok := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	if !ok {
		return "latest"
	}
	return tag
}
