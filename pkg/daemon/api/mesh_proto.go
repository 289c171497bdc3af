package api

import (
	"bytes"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/mesh/show"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// optional is a time that may be unknown.
func optional(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}

func (s *meshServer) protoSidecar(c Sidecar) *controlpb.Sidecar {
	return &controlpb.Sidecar{
		Service: s.names.Display(c.Workload), Instance: c.Instance, Node: c.Node, State: c.State, Message: c.Message,
		Version: c.Version, Wanted: c.Wanted, Since: optional(c.Since),
		Identity: c.Certificate.Identity, Serial: c.Certificate.Serial, NotBefore: optional(c.Certificate.NotBefore), NotAfter: optional(c.Certificate.NotAfter),
	}
}

func (s *meshServer) protoSecret(name, kind string, c Certificate) *controlpb.MeshSecret {
	out := &controlpb.MeshSecret{
		Name: name, Type: kind, Status: "WARMING", Serial: c.Serial, Identity: c.Identity, NotBefore: optional(c.NotBefore), NotAfter: optional(c.NotAfter),
	}
	if !c.NotAfter.IsZero() {
		out.Status = "ACTIVE"
		out.Valid = !s.now().Before(c.NotBefore) && s.now().Before(c.NotAfter)
	}
	return out
}

// resourceJSON is an Envoy resource as JSON; nil for none. The document is the same each time, which protojson alone does
// not promise.
func resourceJSON(m proto.Message) ([]byte, error) {
	if m == nil {
		return nil, nil
	}
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Compact(&out, text)
	return out.Bytes(), err
}

// protoHeld are rows, with their resources or without; position is where a part of an object was written.
func protoHeld(held Held, resources bool, position func(o show.Object, path string) string) (*controlpb.GetSidecarResponse, error) {
	resp := &controlpb.GetSidecarResponse{}
	var failed error
	encode := func(m proto.Message) []byte {
		if !resources {
			return nil
		}
		text, err := resourceJSON(m)
		if err != nil {
			failed = err
		}
		return text
	}
	for _, l := range show.Listeners(held.Resources, held.Live) {
		resp.Listeners = append(resp.Listeners, &controlpb.MeshListener{
			Name: l.Name, Direction: l.Direction, Address: l.Address, Match: l.Match, Destination: l.Destination, Json: encode(l.Resource),
		})
	}
	for _, r := range show.Routes(held.Resources) {
		resp.Routes = append(resp.Routes, &controlpb.MeshRoute{
			Name: r.Name, VirtualHost: r.VirtualHost, Domains: r.Domains, Match: r.Match, Target: r.Target, Policy: r.Policy, Rule: r.Rule,
			Object: r.Object.String(), Position: position(r.Object, r.Part), Json: encode(r.Resource),
		})
	}
	for _, c := range show.Clusters(held.Resources, held.Live) {
		resp.Clusters = append(resp.Clusters, &controlpb.MeshCluster{
			Breakers: protoBreakers(c.Breakers), Overflows: c.Breakers.Overflows,
			Name: c.Name, ServiceFqdn: c.Host, Port: c.Port, Subset: c.Subset, Direction: c.Direction, Type: c.Type,
			Endpoints: int32(c.Endpoints), Ejected: int32(c.Ejected), Policy: c.Policy, Object: c.Object.String(), Position: position(c.Object, ""), Json: encode(c.Resource),
		})
	}
	for _, e := range show.Endpoints(held.Resources, held.Live) {
		resp.Endpoints = append(resp.Endpoints, &controlpb.MeshEndpoint{
			Address: e.Address, Status: e.Status, Outlier: e.Outlier, Cluster: e.Cluster, Instance: e.Instance, Security: e.Security, Json: encode(e.Resource),
			EjectedReason: e.Ejection.Reason, EjectedSince: optional(e.Ejection.Since), EjectedUntil: optional(e.Ejection.Until),
		})
	}
	return resp, failed
}

func protoBreakers(b show.Breakers) (out []*controlpb.MeshBreaker) {
	for _, one := range b.Limits {
		out = append(out, &controlpb.MeshBreaker{Name: one.Name, Active: one.Active, Limit: one.Limit})
	}
	return out
}
