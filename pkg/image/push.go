package image

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Reference completes what a user has named: a repository gets the image's own tag. A reference with the tag latest, which
// every node may keep another image of, is an error, and so is a digest.
func (i *Image) Reference(named string) (string, error) {
	if named == "" {
		named = Name
	}
	if strings.Contains(named, "@") {
		return "", fmt.Errorf("reference %q has a digest, which follows from the contents: name REPOSITORY or REPOSITORY:TAG", named)
	}
	if !strings.Contains(named[strings.LastIndex(named, "/")+1:], ":") {
		named += ":" + i.Tag
	}
	tag, err := name.NewTag(named)
	if err != nil {
		return "", fmt.Errorf("reference %q: %w", named, err)
	}
	if tag.TagStr() == latest {
		return "", fmt.Errorf("reference %q: the tag latest names another image on every machine; leave it out, and the tag is %s", named, i.Tag)
	}
	return named, nil
}

// latest is the tag that a reference without one has.
const latest = "latest"

// CheckReference reports why nodes of a cluster cannot run an image by a reference: it must have a tag other than latest, or a
// digest.
func CheckReference(reference string) error {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return fmt.Errorf("reference %q: %w", reference, err)
	}
	if tag, ok := parsed.(name.Tag); ok && tag.TagStr() == latest {
		return fmt.Errorf("reference %q: the tag latest names another image on every node; give it one of its own", reference)
	}
	return nil
}

// expand is a reference with its registry, as containerd keeps it, and its tag.
func expand(reference string) (full, tag string, err error) {
	parsed, err := name.NewTag(reference)
	if err != nil {
		return "", "", err
	}
	registry := parsed.RegistryStr()
	if registry == name.DefaultRegistry {
		registry = "docker.io"
	}
	return registry + "/" + parsed.RepositoryStr() + ":" + parsed.TagStr(), parsed.TagStr(), nil
}

// Push writes the image to a registry under a reference, with the credentials that docker login has kept. A registry on
// localhost is spoken to without TLS.
func (i *Image) Push(ctx context.Context, reference string) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("push image: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent(Name)}
	if i.multi() {
		err = remote.WriteIndex(tag, i.index, options...)
	} else {
		err = remote.Write(tag, i.images[0], options...)
	}
	if err != nil {
		return fmt.Errorf("push image to %s: %w", reference, err)
	}
	return nil
}
