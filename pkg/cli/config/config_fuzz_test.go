package config_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/config"
)

func FuzzConfigurationIsReadOrRefusedWithItsPlace(f *testing.F) {
	for _, seed := range []string{
		"name: a\n", "images:\n  myapp: [./myapp, -v]\n", "only: [cart, ad]\n", "nmae: x\n", "{", "a: &a [*a]\n", "- 1\n", "? [x]\n: y\n", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		c, err := config.Parse("shopctl.yaml", []byte(content))
		if err != nil {
			if _, _, code := cmdutil.Explain(err); code != cmdutil.ExitUsage {
				t.Errorf("exit %d for %q: %v", code, content, err)
			}
			return
		}
		for image, command := range c.Images {
			if len(command) == 0 {
				t.Errorf("image %q has no command in %q", image, content)
			}
		}
	})
}
