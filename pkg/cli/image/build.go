package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/image"
)

// toStdout is the file name that means standard output.
const toStdout = "-"

type buildOptions struct {
	ios        *iostreams.IO
	getenv     func(string) string
	executable string
	version    string

	platforms []string
	binaries  []string
	tag       string
	file      string
	load      bool
	push      string
}

func newBuildCmd(f *cmdutil.Factory, version string) *cobra.Command {
	o := &buildOptions{ios: f.IO, getenv: f.Getenv, executable: f.Executable, version: version}
	cmd := &cobra.Command{
		Use:   "build {-o FILE | --load | --push REFERENCE}",
		Short: "Build an image that holds this binary and nothing else",
		Long: `Build the image of the shop: this static binary, the certificates of public authorities, and a user without
privileges. It needs no Dockerfile, no base image, no registry and no engine. One image serves all services, sidecars
and the daemon: which of them a container is follows from its command. The same binary makes the same image, bit for
bit, and its tag is made of the contents.

-o writes an archive that docker load, podman load, ctr images import, kind load image-archive, minikube image load
and k3d image import take. --load gives the image to the container engine of this machine, as docker's own command
finds it. --push writes it to a registry, with the credentials of docker login; one on localhost is spoken to without
TLS.

The program of another platform is the file shopctl-OS-ARCH beside this one, unless --binary names it.`,
		Example: `shopctl image build --load
shopctl image build -o shopctl.tar && kind load image-archive shopctl.tar
shopctl image build --platform linux/amd64,linux/arm64 --push localhost:5000/shopctl
shopctl image build --binary linux/arm64=shopctl-linux-arm64 --platform linux/arm64 -o -`,
		Args: cmdutil.Exactly(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringSliceVar(&o.platforms, "platform", []string{"linux/" + runtime.GOARCH}, "`PLATFORMS` of the image: linux/amd64, linux/arm64 or both")
	cmd.Flags().StringArrayVar(&o.binaries, "binary", nil, "program of a platform, as `PLATFORM=FILE`; can be repeated")
	cmd.Flags().StringVar(&o.tag, "tag", "", "`REFERENCE` of the image in the archive and the engine (default shopctl, with a tag made of the contents)")
	cmd.Flags().StringVarP(&o.file, "output", "o", "", "`FILE` to write the image to as an archive; - is standard output")
	cmd.Flags().BoolVar(&o.load, "load", false, "load the image into the container engine")
	cmd.Flags().StringVar(&o.push, "push", "", "`REFERENCE` in a registry to write the image to: HOST[:PORT]/REPOSITORY[:TAG]")
	cmdutil.CompleteWords(cmd, "platform", "linux/amd64", "linux/arm64")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

func (o *buildOptions) run(ctx context.Context) error {
	if o.file == "" && !o.load && o.push == "" {
		return cmdutil.UsageErr("shopctl image build -o shopctl.tar", "nothing to do with the image: give -o FILE, --load or --push REFERENCE")
	}
	binaries, err := o.choose()
	if err != nil {
		return err
	}
	built, err := image.Build(o.version, binaries...)
	if err != nil {
		return err
	}
	reference, err := built.Reference(o.tag)
	if err != nil {
		return cmdutil.UsageErr("shopctl image build --load", "read --tag: %v", err)
	}
	remote := ""
	if o.push != "" {
		if remote, err = built.Reference(o.push); err != nil {
			return cmdutil.UsageErr("shopctl image build --push localhost:5000/shopctl", "read --push: %v", err)
		}
	}
	if err := o.report(built, reference); err != nil {
		return err
	}
	if o.file != "" {
		if err := o.write(built, reference); err != nil {
			return err
		}
	}
	if o.load {
		if err := o.loadInto(ctx, built, reference); err != nil {
			return err
		}
	}
	if remote != "" {
		if err := built.Push(ctx, remote); err != nil {
			return err
		}
		o.ios.Notef("pushed %s", remote)
	}
	return nil
}

// report prints the reference, which scripts read, and what the image is.
func (o *buildOptions) report(built *image.Image, reference string) error {
	digest, err := built.Digest()
	if err != nil {
		return err
	}
	size, err := built.Size()
	if err != nil {
		return err
	}
	var platforms []string
	for _, p := range built.Platforms {
		platforms = append(platforms, p.String())
	}
	o.ios.Notef("%s, %.1f MB, %s", strings.Join(platforms, " and "), float64(size)/1e6, digest)
	if o.file != toStdout {
		fmt.Fprintln(o.ios.Out, reference)
	}
	return nil
}

// write writes the archive, whole or not at all.
func (o *buildOptions) write(built *image.Image, reference string) error {
	if o.file == toStdout {
		if o.ios.OutTTY {
			return cmdutil.UsageErr("shopctl image build -o shopctl.tar", "an archive is not written to a terminal")
		}
		return built.WriteArchive(o.ios.Out.Screen(), reference)
	}
	tmp, err := os.CreateTemp(filepath.Dir(o.file), ".image-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", o.file, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	err = errors.Join(built.WriteArchive(tmp, reference), tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), o.file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", o.file, err)
	}
	o.ios.Notef("written to %s", o.file)
	return nil
}

// loadInto gives the image to the engine while it is written.
func (o *buildOptions) loadInto(ctx context.Context, built *image.Image, reference string) error {
	at, err := engine.Finder{Getenv: o.getenv}.Find()
	if err != nil {
		return cmdutil.HintErr(cmdutil.ExitEnvironment, "docker context ls", err)
	}
	e, err := engine.Connect(ctx, at)
	if unreachable := (*engine.UnreachableError)(nil); errors.As(err, &unreachable) {
		return cmdutil.HintErr(cmdutil.ExitEnvironment, unreachable.Hint(), err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(built.WriteArchive(w, reference)) }()
	defer func() { _ = r.Close() }()
	if _, err := e.Load(ctx, r); err != nil {
		return err
	}
	o.ios.Notef("loaded into the engine at %s (%s)", at.Host, at.Source)
	return nil
}
