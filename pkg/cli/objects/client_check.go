package objects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// applyHere applies manifests to a temporary store with the built-in objects: a dry run that needs no running shop.
func applyHere(ctx context.Context, files []*controlpb.File, namespace string) (*controlpb.ApplyResponse, error) {
	store, err := pristine()
	if err != nil {
		return nil, err
	}
	var manifests []resource.Manifest
	var problems resource.Problems
	for _, file := range files {
		found, err := decode.Decode(file.GetName(), file.GetContent())
		var bad resource.Problems
		if errors.As(err, &bad) {
			problems = append(problems, bad...)
		} else if err != nil {
			return nil, cmdutil.HintErr(cmdutil.ExitUsage, hintFor(err), err)
		}
		manifests = append(manifests, found...)
	}
	if err := problems.Err(); err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, hintFor(err), err)
	}
	result, err := store.Apply(ctx, manifests, namespace, true)
	if err != nil {
		return nil, cmdutil.HintErr(cmdutil.ExitUsage, hintFor(err), err)
	}
	resp := &controlpb.ApplyResponse{Warnings: result.Warnings.Strings()}
	for _, change := range result.Changes {
		o, err := objectOf(change.After)
		if err != nil {
			return nil, err
		}
		resp.Objects = append(resp.Objects, &controlpb.AppliedObject{Object: o, Action: string(change.Action)})
	}
	return resp, nil
}

// hintFor is the same hint as the daemon's.
func hintFor(err error) string {
	var problems resource.Problems
	errors.As(err, &problems)
	return problems.Hint()
}

// pristine returns a store with the built-in manifests.
func pristine() (*store.Store, error) {
	var defaults []resource.Manifest
	for _, b := range services.All() {
		manifests, err := decode.Decode(b.Workload+".yaml", b.Manifest())
		if err != nil {
			return nil, fmt.Errorf("read the manifest of %s: %w", b.Name, err)
		}
		defaults = append(defaults, manifests...)
	}
	return store.Open(store.Config{Defaults: defaults})
}

// objectOf encodes a typed object for the API.
func objectOf(o resource.Object) (*controlpb.Object, error) {
	key := resource.KeyOf(o)
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", key, err)
	}
	return &controlpb.Object{
		ApiVersion: o.GetObjectKind().GroupVersionKind().GroupVersion().String(),
		Kind:       key.Kind, Namespace: key.Namespace, Name: key.Name, Json: text,
	}, nil
}
