package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// objectsServer serves the shop's objects.
type objectsServer struct {
	objects orchestrator.Objects
	names   *names.Directory
	// refresh makes the orchestrator's source read the store now.
	refresh func()
	shop    orchestrator.Syncer
	// meshMode is auto, on or off.
	meshMode string
	// overlays are nil in a shop that can have no sidecars.
	overlays   overlays
	state      orchestrator.Observer
	builtin    *builtinObjects
	checkImage func(image string, command []string) error
	events     *observe.Events
	now        func() time.Time
}

// Apply creates and changes objects.
func (s *objectsServer) Apply(ctx context.Context, req *controlpb.ApplyRequest) (*controlpb.ApplyResponse, error) {
	manifests, err := decodeFiles(req.GetFiles())
	if err != nil {
		return nil, explainObjects(err)
	}
	result, err := s.applyOrReplace(ctx, manifests, req)
	if err != nil {
		return nil, explainObjects(err)
	}
	warnings := append(result.Warnings, s.imageWarnings(manifests)...).Sorted()
	resp := &controlpb.ApplyResponse{Warnings: warnings.Strings()}
	if resp.Objects, err = changed(result.Changes); err != nil {
		return nil, err
	}
	if req.GetDryRun() {
		return resp, nil
	}
	s.commit(result.Changes, "Applied")
	joined, warning, err := s.autoJoin(ctx, result.Changes)
	if err != nil {
		return nil, explainObjects(err)
	}
	resp.Objects = append(resp.Objects, joined...)
	if warning != "" {
		resp.Warnings = append(resp.Warnings, warning)
	}
	return resp, nil
}

func (s *objectsServer) applyOrReplace(ctx context.Context, manifests []resource.Manifest, req *controlpb.ApplyRequest) (store.Result, error) {
	if !req.GetReplace() {
		return s.objects.Apply(ctx, manifests, req.GetNamespace(), req.GetDryRun())
	}
	expect := store.Expect{Unchanged: req.GetUnchanged(), Absent: req.GetCreate(), Present: req.GetExisting()}
	return s.objects.Replace(ctx, manifests, req.GetNamespace(), expect, req.GetDryRun())
}

func decodeFiles(files []*controlpb.File) ([]resource.Manifest, error) {
	var manifests []resource.Manifest
	var problems resource.Problems
	for _, f := range files {
		found, err := decode.Decode(f.GetName(), f.GetContent())
		if p, ok := err.(resource.Problems); ok {
			problems = append(problems, p...)
		} else if err != nil {
			return nil, err
		}
		manifests = append(manifests, found...)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(manifests) == 0 {
		return nil, control.Error(codes.InvalidArgument, "the files contain no objects", "shopctl get deployments -o yaml", 2)
	}
	return manifests, nil
}

// imageWarnings warns of images that cannot be run here: such a Deployment is stored, but cannot start.
func (s *objectsServer) imageWarnings(manifests []resource.Manifest) resource.Problems {
	if s.checkImage == nil {
		return nil
	}
	var problems resource.Problems
	for _, m := range manifests {
		d, ok := m.Object.(*appsv1.Deployment)
		if !ok || resource.IsGateway(&d.Spec.Template) {
			continue
		}
		pod := d.Spec.Template.Spec
		for field, containers := range map[string][]corev1.Container{"initContainers": pod.InitContainers, "containers": pod.Containers} {
			for i, c := range containers {
				err := s.checkImage(c.Image, c.Command)
				if err == nil {
					continue
				}
				text := err.Error()
				if h, ok := err.(interface{ Hint() string }); ok {
					text += "; " + h.Hint()
				}
				problems = append(problems, m.Problem(admission.Issue{Path: fmt.Sprintf("spec.template.spec.%s[%d].image", field, i), Message: text}))
			}
		}
	}
	return problems
}

// commit makes the orchestrator act on changes, and records them as events. It returns which of the Deployments to release
// were suspended until now.
func (s *objectsServer) commit(changes []store.Change, reason string, release ...orchestrator.Key) (released []orchestrator.Key) {
	s.refresh()
	released = s.shop.Sync(release...)
	for _, c := range changes {
		if c.Action == store.ActionUnchanged {
			continue
		}
		service := ""
		if c.Key.Kind == resource.KindDeployment {
			service = s.names.Display(orchestrator.Key{Namespace: c.Key.Namespace, Name: c.Key.Name})
		}
		s.events.Add(observe.Event{Type: observe.Normal, Reason: reason, Service: service, Message: fmt.Sprintf("%s %s", c.Key, c.Action)})
	}
	return released
}

// Get returns objects.
func (s *objectsServer) Get(ctx context.Context, req *controlpb.GetRequest) (*controlpb.GetResponse, error) {
	kind, err := resource.LookupKind(req.GetKind())
	if err != nil {
		return nil, explainObjects(err)
	}
	selector, err := parseSelector(req.GetSelector())
	if err != nil {
		return nil, err
	}
	namespace := s.namespace(req.GetNamespace())
	if _, limited := sessionOf(ctx); limited && namespace != s.objects.Namespace() {
		return nil, refused(fmt.Sprintf("get %s: a lesson by another author sees only objects in the shop's namespace, %s", kind.Plural, s.objects.Namespace()))
	}
	if !kind.Namespaced {
		namespace = ""
	}
	snap := s.objects.Snapshot()
	overlaid := s.overlaid(req, kind)
	var objects []resource.Object
	if len(req.GetNames()) == 0 {
		if namespace == "*" {
			namespace = ""
		} else if kind.Namespaced {
			if err := snap.CheckNamespace(namespace); err != nil {
				return nil, explainObjects(err)
			}
		}
		objects = overlaid.list(snap.List(kind.Name, namespace), namespace)
	}
	for _, name := range req.GetNames() {
		key := s.objectKey(kind, namespace, name)
		o, err := snap.Get(key)
		if found := overlaid.find(key); found != nil {
			o, err = found, nil
		}
		if err != nil {
			return nil, explainObjects(err)
		}
		objects = append(objects, o)
	}
	resp := &controlpb.GetResponse{}
	for _, o := range objects {
		if !selector.Matches(labels.Set(o.GetLabels())) {
			continue
		}
		p, err := protoObject(o)
		if err != nil {
			return nil, err
		}
		resp.Objects = append(resp.Objects, p)
	}
	return resp, nil
}

// parseSelector reads -l: "app=cart,version!=v1".
func parseSelector(text string) (labels.Selector, error) {
	s, err := labels.Parse(text)
	if err != nil {
		return nil, control.Error(codes.InvalidArgument, fmt.Sprintf("selector %q: %v", text, err), "use KEY=VALUE, several with commas: -l app=cartservice,version=v1", 2)
	}
	return s, nil
}

func (s *objectsServer) namespace(namespace string) string {
	if namespace == "" {
		return s.objects.Namespace()
	}
	return namespace
}

// objectKey accepts the names of services for Deployments and Services: "catalog".
func (s *objectsServer) objectKey(kind resource.Kind, namespace, name string) resource.Key {
	key := resource.Key{Kind: kind.Name, Namespace: namespace, Name: name}
	if _, err := s.objects.Snapshot().Get(key); err == nil || !kind.Namespaced || strings.Contains(name, "/") {
		return key
	}
	if w, ok := s.names.Find(servicename.In(namespace, name)); ok {
		alias := resource.Key{Kind: kind.Name, Namespace: namespace, Name: w.Name}
		if _, err := s.objects.Snapshot().Get(alias); err == nil {
			return alias
		}
	}
	return key
}

// Delete removes objects.
func (s *objectsServer) Delete(ctx context.Context, req *controlpb.DeleteRequest) (*controlpb.DeleteResponse, error) {
	keys, err := s.deleteKeys(req)
	if err != nil {
		return nil, explainObjects(err)
	}
	warnings := s.dependents(keys)
	changes, err := s.objects.Delete(ctx, keys, req.GetDryRun())
	if err != nil {
		return nil, explainObjects(err)
	}
	resp := &controlpb.DeleteResponse{Warnings: warnings}
	for _, c := range changes {
		p, err := protoObject(c.Before)
		if err != nil {
			return nil, err
		}
		resp.Objects = append(resp.Objects, p)
	}
	if !req.GetDryRun() {
		s.commit(changes, "Deleted")
	}
	return resp, nil
}

func (s *objectsServer) deleteKeys(req *controlpb.DeleteRequest) ([]resource.Key, error) {
	namespace := s.namespace(req.GetNamespace())
	if len(req.GetFiles()) > 0 {
		manifests, err := decodeFiles(req.GetFiles())
		if err != nil {
			return nil, err
		}
		var keys []resource.Key
		for _, m := range manifests {
			key := resource.KeyOf(m.Object)
			if kind, err := resource.LookupKind(key.Kind); err == nil && kind.Namespaced && key.Namespace == "" {
				key.Namespace = namespace
			}
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		return keys, nil
	}
	kind, err := resource.LookupKind(req.GetKind())
	if err != nil {
		return nil, err
	}
	if len(req.GetNames()) == 0 {
		return nil, control.Error(codes.InvalidArgument, "delete needs the names of objects", "shopctl get "+kind.Plural, 2)
	}
	if !kind.Namespaced {
		namespace = ""
	}
	var keys []resource.Key
	for _, name := range req.GetNames() {
		keys = append(keys, s.objectKey(kind, namespace, name))
	}
	return keys, nil
}

func changed(changes []store.Change) ([]*controlpb.AppliedObject, error) {
	var out []*controlpb.AppliedObject
	for _, c := range changes {
		applied := &controlpb.AppliedObject{Action: string(c.Action)}
		after := c.After
		if after == nil {
			after = c.Before
		}
		var err error
		if applied.Object, err = protoObject(after); err != nil {
			return nil, err
		}
		if c.Before != nil {
			if applied.BeforeJson, err = json.Marshal(c.Before); err != nil {
				return nil, fmt.Errorf("encode %s: %w", c.Key, err)
			}
		}
		out = append(out, applied)
	}
	return out, nil
}

func protoObject(o resource.Object) (*controlpb.Object, error) {
	key := resource.KeyOf(o)
	content, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", key, err)
	}
	return &controlpb.Object{
		ApiVersion: o.GetObjectKind().GroupVersionKind().GroupVersion().String(),
		Kind:       key.Kind, Namespace: key.Namespace, Name: key.Name, Json: content,
	}, nil
}
