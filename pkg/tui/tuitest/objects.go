package tuitest

import (
	"fmt"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// ObjectList is the objects that describe the shop.
func ObjectList() []*controlpb.Object {
	object := func(kind, name, json string) *controlpb.Object {
		return &controlpb.Object{Kind: kind, Name: name, Namespace: "production", Json: []byte(json)}
	}
	meta := func(name string) string {
		return fmt.Sprintf(`"metadata":{"name":%q,"namespace":"production","creationTimestamp":"2026-03-02T11:00:00Z"}`, name)
	}
	var all []*controlpb.Object
	for _, name := range []string{"cartservice", "productcatalogservice", "paymentservice"} {
		all = append(all,
			object("Deployment", name, `{`+meta(name)+`,"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"side"},{"name":"server","image":"shopctl/x:v1","env":[{"name":"A","value":"b: c"}]}]}}},"status":{"readyReplicas":1}}`),
			object("Service", name, `{`+meta(name)+`,"spec":{"ports":[{"port":7070}]}}`))
	}
	return append(all,
		object("ConfigMap", "catalog", `{`+meta("catalog")+`,"data":{"LOG_LEVEL":"info"}}`),
		object("Secret", "payment", `{`+meta("payment")+`,"data":{"password":"aHVudGVyMg=="}}`),
		object("Namespace", "production", `{"metadata":{"name":"production"}}`),
	)
}
