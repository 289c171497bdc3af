package overlay

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource/istio"
)

// Object is a VirtualService with faults.
type Object struct {
	*istio.VirtualService
	// Parts name each of its rules: that of the user's object, "spec.http[0]", or the faults, "fault:f3".
	Parts []string
}

// New returns the VirtualService of a host with faults: that of the user with more rules, or if there is none another one with
// meta as its metadata, which routes as no object at all would. One that holds for other hosts too stays as it is, and a copy
// with meta holds for this host. It is marked with an annotation.
func New(user *istio.VirtualService, meta metav1.ObjectMeta, host, annotation string, faults []Fault) (Object, error) {
	spec := map[string]any{"hosts": []any{host}}
	var written []any
	var own []*networking.HTTPRoute
	if user != nil {
		if tree, ok := user.Spec.Tree().(map[string]any); ok {
			spec = tree
		}
		if len(user.Spec.Message().GetHosts()) == 1 {
			meta = *user.ObjectMeta.DeepCopy()
		} else {
			spec["hosts"] = []any{host}
		}
		written, _ = spec["http"].([]any)
		own = user.Spec.Message().GetHttp()
	}
	if len(own) == 0 {
		own = []*networking.HTTPRoute{{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: host}}}}}
		written = nil
	}
	var out Object
	var ids []string
	var rules []any
	for _, r := range Rules(own, faults) {
		rule, err := r.tree(written)
		if err != nil {
			return out, err
		}
		rules = append(rules, rule)
		part := fmt.Sprintf("spec.http[%d]", r.Index)
		if r.Faults != nil {
			part = "fault:" + strings.Join(r.Faults, ",")
		}
		out.Parts = append(out.Parts, part)
	}
	for _, f := range faults {
		ids = append(ids, f.ID)
	}
	spec["http"] = rules
	data, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return out, fmt.Errorf("write VirtualService %s with faults: %w", meta.Name, err)
	}
	out.VirtualService = &istio.VirtualService{}
	if err := json.Unmarshal(data, out.VirtualService); err != nil {
		return out, fmt.Errorf("read VirtualService %s with faults: %w", meta.Name, err)
	}
	out.TypeMeta = metav1.TypeMeta{APIVersion: istio.NetworkingVersion, Kind: "VirtualService"}
	out.ObjectMeta = meta
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	out.Annotations[annotation] = strings.Join(ids, ",")
	return out, nil
}

// tree is the rule as it is written: in the user's own words where it is the user's.
func (r Rule) tree(written []any) (any, error) {
	if r.Index >= len(written) {
		return treeOf(r.HTTPRoute)
	}
	own, ok := written[r.Index].(map[string]any)
	if r.Faults == nil || !ok {
		return written[r.Index], nil
	}
	changed, err := treeOf(&networking.HTTPRoute{Name: r.Name, Match: r.Match, Fault: r.Fault})
	if err != nil {
		return nil, err
	}
	rule := map[string]any{}
	for key, value := range own {
		if key != "match" {
			rule[key] = value
		}
	}
	for key, value := range changed {
		rule[key] = value
	}
	return rule, nil
}

func treeOf(m proto.Message) (map[string]any, error) {
	data, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write a rule with faults: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("read a rule with faults: %w", err)
	}
	return tree, nil
}
