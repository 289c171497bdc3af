package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// decodeFiles reads manifests as the daemon does, without it, and reports all that is wrong with
// their shape. What only the shop can know, it does not.
func decodeFiles(files []*controlpb.File, namespace string) ([]*controlpb.Object, error) {
	var objects []*controlpb.Object
	var problems resource.Problems
	for _, file := range files {
		manifests, err := decode.Decode(file.GetName(), file.GetContent())
		var bad resource.Problems
		if errors.As(err, &bad) {
			problems = append(problems, bad...)
			continue
		}
		if err != nil {
			return nil, hintErr(exitUsage, "", err)
		}
		for _, m := range manifests {
			o, err := manifestObject(m, namespace)
			if err != nil {
				return nil, err
			}
			objects = append(objects, o)
		}
	}
	if err := problems.Err(); err != nil {
		return nil, hintErr(exitUsage, "", err)
	}
	return objects, nil
}

func manifestObject(m resource.Manifest, namespace string) (*controlpb.Object, error) {
	key := resource.KeyOf(m.Object)
	if kind, err := resource.LookupKind(key.Kind); err == nil && kind.Namespaced && m.Object.GetNamespace() == "" {
		m.Object.SetNamespace(namespace)
	}
	text, err := json.Marshal(m.Object)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", key, err)
	}
	return &controlpb.Object{
		ApiVersion: m.Object.GetObjectKind().GroupVersionKind().GroupVersion().String(),
		Kind:       key.Kind, Namespace: m.Object.GetNamespace(), Name: key.Name, Json: text,
	}, nil
}
