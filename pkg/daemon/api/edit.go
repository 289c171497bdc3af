package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// Edit changes Deployments as scale, restart, stop, start and set do.
func (s *objectsServer) Edit(ctx context.Context, req *controlpb.EditRequest) (*controlpb.EditResponse, error) {
	if op, ok := req.GetOperation().(*controlpb.EditRequest_Mesh); ok {
		return s.inject(ctx, req, op.Mesh)
	}
	edit, release, err := s.operation(req)
	if err != nil {
		return nil, err
	}
	if len(req.GetServices()) == 0 {
		return nil, control.Error(codes.InvalidArgument, "the edit request names no service", "services: "+strings.Join(s.names.All(), ", "), 2)
	}
	var keys []resource.Key
	var workloads []orchestrator.Key
	for _, name := range req.GetServices() {
		key, err := s.findDeployment(req.GetNamespace(), name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, resource.Key{Kind: resource.KindDeployment, Namespace: key.Namespace, Name: key.Name})
		workloads = append(workloads, key)
	}
	changes, err := s.objects.EditDeployments(ctx, keys, req.GetDryRun(), edit)
	if err != nil {
		return nil, explainObjects(err)
	}
	resp := &controlpb.EditResponse{}
	if resp.Objects, err = changed(changes); err != nil || req.GetDryRun() {
		return resp, err
	}
	var released []orchestrator.Key
	if release {
		released = s.commit(changes, "Applied", workloads...)
	} else {
		s.commit(changes, "Applied")
	}
	for i, c := range changes { // as many as there are different names
		key := orchestrator.Key{Namespace: c.Key.Namespace, Name: c.Key.Name}
		if c.Action == store.ActionUnchanged && slices.Contains(released, key) {
			// The object is unchanged, and yet its instances start.
			resp.Objects[i].Action = string(store.ActionConfigured)
		}
	}
	return resp, nil
}

// Revisions returns the kept revisions of a Deployment.
func (s *objectsServer) Revisions(ctx context.Context, req *controlpb.RevisionsRequest) (*controlpb.RevisionsResponse, error) {
	key, err := s.findDeployment(req.GetNamespace(), req.GetService())
	if err != nil {
		return nil, err
	}
	resp := &controlpb.RevisionsResponse{}
	for _, r := range s.objects.Snapshot().Revisions(resource.Key{Kind: resource.KindDeployment, Namespace: key.Namespace, Name: key.Name}) {
		template, err := json.Marshal(r.Template)
		if err != nil {
			return nil, fmt.Errorf("encode revision %d of %s: %w", r.Number, key.Name, err)
		}
		resp.Revisions = append(resp.Revisions, &controlpb.Revision{
			Number: r.Number, TemplateJson: template, Created: protoTime(r.Created), ChangeCause: r.Cause,
		})
	}
	return resp, nil
}

// inject labels the pods of services, or a whole namespace, for sidecars or against.
func (s *objectsServer) inject(ctx context.Context, req *controlpb.EditRequest, on bool) (*controlpb.EditResponse, error) {
	var keys []resource.Key
	for _, name := range req.GetServices() {
		key, err := s.findDeployment(req.GetNamespace(), name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, resource.Key{Kind: resource.KindDeployment, Namespace: key.Namespace, Name: key.Name})
	}
	var changes []store.Change
	var err error
	if len(keys) == 0 {
		changes, err = JoinMesh(ctx, s.objects, []string{cmp.Or(req.GetNamespace(), s.objects.Namespace())}, on, req.GetDryRun())
	} else {
		changes, err = s.objects.EditObjects(ctx, keys, req.GetDryRun(), func(o resource.Object) error { return resource.SetInjection(o, on) })
	}
	if err != nil {
		return nil, explainObjects(err)
	}
	resp := &controlpb.EditResponse{}
	if resp.Objects, err = changed(changes); err == nil && !req.GetDryRun() {
		s.commit(changes, "Applied")
	}
	return resp, err
}

// autoJoin labels the namespaces of objects of Istio for sidecars, unless they are labeled. It returns what it changed.
func (s *objectsServer) autoJoin(ctx context.Context, changes []store.Change) (labeled []*controlpb.AppliedObject, warning string, err error) {
	snap := s.objects.Snapshot()
	var joining []string
	for _, c := range changes {
		if c.After == nil || !strings.Contains(c.After.GetObjectKind().GroupVersionKind().Group, "istio.io") {
			continue
		}
		key := resource.Key{Kind: resource.KindNamespace, Name: c.Key.Namespace}
		namespace, err := snap.Get(key)
		if err == nil && namespace.GetLabels()[resource.InjectionLabel] == "" && !slices.Contains(joining, key.Name) {
			joining = append(joining, key.Name)
		}
		if s.meshMode == "off" {
			return nil, "objects of Istio have no effect: the shop has no sidecars (--mesh=off or --driver docker); to start it again with them: shopctl down && shopctl up", nil
		}
	}
	if len(joining) == 0 {
		return nil, "", nil
	}
	edited, err := JoinMesh(ctx, s.objects, joining, true, false)
	if err != nil {
		return nil, "", err
	}
	s.commit(edited, "Applied")
	labeled, err = changed(edited)
	return labeled, "", err
}

func (s *objectsServer) findDeployment(namespace, name string) (orchestrator.Key, error) {
	name = servicename.In(namespace, name)
	key, ref, err := s.names.Resolve(name)
	switch {
	case err != nil:
		return key, s.names.Unknown(name)
	case ref.Kind == servicename.Pod:
		return key, control.Error(codes.InvalidArgument, fmt.Sprintf("%q is one instance of %s; only the whole service can be changed", name, key.Name), "shopctl ps --instances "+s.names.Display(key), 2)
	}
	return key, nil
}

// operation returns the change that an edit makes to a Deployment, and whether it starts a suspended one.
func (s *objectsServer) operation(req *controlpb.EditRequest) (edit func(*appsv1.Deployment) error, release bool, err error) {
	switch op := req.GetOperation().(type) {
	case *controlpb.EditRequest_Replicas:
		return func(d *appsv1.Deployment) error { return resource.Scale(d, op.Replicas) }, op.Replicas > 0, nil
	case *controlpb.EditRequest_Restart:
		now := s.now()
		return func(d *appsv1.Deployment) error { return resource.Restart(d, now) }, true, nil
	case *controlpb.EditRequest_Stop:
		return resource.Stop, false, nil
	case *controlpb.EditRequest_Start:
		return resource.Start, true, nil
	case *controlpb.EditRequest_SetEnv:
		return func(d *appsv1.Deployment) error {
			return resource.SetEnv(d, op.SetEnv.GetSet(), op.SetEnv.GetUnset())
		}, false, nil
	}
	return nil, false, control.Error(codes.InvalidArgument, "the edit request has no operation", "shopctl scale --help", 2)
}
