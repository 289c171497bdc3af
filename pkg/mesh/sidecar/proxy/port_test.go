package proxy_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/translate"
)

func TestPoliciesNameThePortOfTheWorkload(t *testing.T) {
	for _, c := range []struct {
		name   string
		action security.AuthorizationPolicy_Action
		port   string
		code   codes.Code
	}{
		{"DENY of the port", security.AuthorizationPolicy_DENY, "50051", codes.PermissionDenied},
		{"DENY of another", security.AuthorizationPolicy_DENY, "50052", codes.OK},
		{"ALLOW of the port", security.AuthorizationPolicy_ALLOW, "50051", codes.OK},
		{"ALLOW of another", security.AuthorizationPolicy_ALLOW, "50052", codes.PermissionDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mesh()
			m.AuthorizationPolicies = []translate.AuthorizationPolicy{{
				Meta: translate.Meta{Name: "ports", Namespace: "shop"},
				Spec: &security.AuthorizationPolicy{Action: c.action, Rules: []*security.Rule{
					{To: []*security.Rule_To{{Operation: &security.Operation{Ports: []string{c.port}}}}},
				}},
			}}
			in, _ := newProxy(t, nil, inbound(t, m, app(t, echo)))
			err := call(t, dial(t, in.Listeners()["inbound_50051"]), charge)
			if s := status.Convert(err); s.Code() != c.code || c.code != codes.OK && s.Message() != "RBAC: access denied" {
				t.Errorf("the call ends with %v", err)
			}
		})
	}
}
