package process

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/workload"
)

func TestTheMostExactImageNameWins(t *testing.T) {
	im := workload.Images{Commands: map[string][]string{"app": {"any"}, "app:v2": {"two"}, "example/app:v3": {"three"}}}
	none := func(string) (string, bool) { return "", false }
	for image, want := range map[string]string{"example/app:v1": "any", "app:v2": "two", "registry/x/app:v2": "two", "example/app:v3": "three", "app@sha256:00": "any"} {
		p, err := findProgram(im, none, image, nil, nil)
		if err != nil || p.command[0] != want {
			t.Errorf("%s: %v %v, want %s", image, p.command, err, want)
		}
	}
	var unknown *UnknownImageError
	if _, err := findProgram(im, none, "other", nil, nil); !errors.As(err, &unknown) {
		t.Errorf("other: %v", err)
	}
	if p, err := findProgram(im, none, "other", []string{"./x"}, []string{"-v"}); err != nil || !slices.Equal(p.command, []string{"./x", "-v"}) {
		t.Errorf("with a command: %v %v", p, err)
	}
	if unknown.Error() != `image "other" is not a built-in service` || !strings.Contains(unknown.Hint(), "shopctl.yaml: images: {other:") {
		t.Errorf("error %q, hint %q", unknown, unknown.Hint())
	}
}

func TestABuiltinServiceIsNotReplacedByAProgram(t *testing.T) {
	im := workload.Images{Commands: map[string][]string{"ad": {"sh"}, "shopctl/ad:v1": {"sh"}}}
	builtin := func(image string) (string, bool) { return "ad", strings.HasPrefix(image, "shopctl/ad") }
	p, err := findProgram(im, builtin, "shopctl/ad:v1", nil, nil)
	if err != nil || p.builtin != "ad" || p.command != nil {
		t.Errorf("runs %v %v, %v", p.builtin, p.command, err)
	}
}
