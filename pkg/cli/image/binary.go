package image

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/image"
)

// choose finds the program of each platform.
func (o *buildOptions) choose() ([]image.Binary, error) {
	named, err := o.named()
	if err != nil {
		return nil, err
	}
	var all []image.Binary
	for _, s := range o.platforms {
		p, err := image.ParsePlatform(s)
		if err != nil {
			return nil, cmdutil.UsageErr("shopctl image build --platform linux/amd64 -o shopctl.tar", "read --platform: %v", err)
		}
		path, given := named[p]
		if !given {
			path = image.Beside(o.executable, p)
		}
		if err := image.Check(path, p); err != nil {
			if errors.Is(err, fs.ErrNotExist) && !given {
				err = fmt.Errorf("there is no program for %s: %s does not exist", p, path)
			}
			return nil, cmdutil.HintErr(cmdutil.ExitEnvironment, recipe(p), err)
		}
		all = append(all, image.Binary{Platform: p, Path: path})
		delete(named, p)
	}
	for p := range named {
		return nil, cmdutil.UsageErr("shopctl image build --platform "+p.String()+" -o shopctl.tar", "--binary is for %s, which --platform does not name", p)
	}
	return all, nil
}

// named are the programs of --binary.
func (o *buildOptions) named() (map[image.Platform]string, error) {
	all := map[image.Platform]string{}
	for _, b := range o.binaries {
		name, path, _ := strings.Cut(b, "=")
		p, err := image.ParsePlatform(name)
		if err == nil && path == "" {
			err = errors.New("the file is missing")
		}
		if err != nil {
			return nil, cmdutil.UsageErr("shopctl image build --binary linux/arm64=shopctl-linux-arm64 --platform linux/arm64 -o shopctl.tar", "read --binary %q: %v", b, err)
		}
		all[p] = path
	}
	return all, nil
}

// recipe builds the program of a platform, in a checkout, and its image.
func recipe(p image.Platform) string {
	return fmt.Sprintf("%s && shopctl image build --platform %s --binary %s=shopctl-%s-%s -o shopctl.tar", image.Recipe(p), p, p, p.OS, p.Arch)
}
