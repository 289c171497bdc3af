package workload

import (
	"errors"
	"fmt"
	"strings"
)

// Images maps container images to commands of this machine, as shopctl.yaml's images does.
type Images struct {
	// Commands by image: "myapp" or "registry/team/myapp:v2". The most exact name wins.
	Commands map[string]string
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
		return program{command: append(append([]string{}, command...), args...), dir: im.Dir, tag: imageTag(image)}, nil
	}
	if text, ok := im.lookup(image); ok {
		words, err := splitWords(text)
		if err != nil {
			return program{}, fmt.Errorf("image %q: command %q of shopctl.yaml: %w", image, text, err)
		}
		return program{command: append(words, args...), dir: im.Dir, tag: imageTag(image)}, nil
	}
	if name, tag, ok := builtin(image); ok {
		return program{builtin: name, tag: tag}, nil
	}
	if im.Err != nil {
		return program{}, im.Err
	}
	return program{}, &UnknownImageError{Image: image}
}

func (im Images) lookup(image string) (string, bool) {
	untagged := strings.TrimSuffix(image, ":"+imageTag(image))
	last := image[strings.LastIndex(image, "/")+1:]
	for _, name := range []string{image, untagged, last, imageBase(image)} {
		if text, ok := im.Commands[name]; ok {
			return text, true
		}
	}
	return "", false
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

// splitWords splits a command into words as a shell would, with quotes and backslashes but without
// expansions.
func splitWords(text string) ([]string, error) {
	var (
		words  []string
		word   strings.Builder
		inWord bool
		quote  rune
		escape bool
	)
	for _, r := range text {
		switch {
		case escape:
			word.WriteRune(r)
			escape = false
		case r == '\\' && quote != '\'':
			escape, inWord = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 || escape {
		return nil, errors.New("a quote is left open")
	}
	if inWord {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("it is empty")
	}
	return words, nil
}
