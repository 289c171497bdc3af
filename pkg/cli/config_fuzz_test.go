package cli

import "testing"

func FuzzConfigurationIsReadOrRefusedWithItsPlace(f *testing.F) {
	for _, seed := range []string{
		"name: a\n", "images:\n  myapp: [./myapp, -v]\n", "only: [cart, ad]\n", "nmae: x\n", "{", "a: &a [*a]\n", "- 1\n", "? [x]\n: y\n", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		c, err := parseConfig("shopctl.yaml", []byte(content))
		if err != nil {
			if _, _, code := explain(err); code != exitUsage {
				t.Errorf("exit %d for %q: %v", code, content, err)
			}
			return
		}
		for image, command := range c.images {
			if len(command) == 0 {
				t.Errorf("image %q has no command in %q", image, content)
			}
		}
	})
}
