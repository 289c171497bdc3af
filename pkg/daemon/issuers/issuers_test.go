package issuers

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestTheKeysOfAnIssuerInTheShopAreFoundByItsNameInACluster(t *testing.T) {
	s := orchestrator.Snapshot{Workloads: []orchestrator.Workload{
		{Key: orchestrator.Key{Namespace: "other", Name: "issuer"}, Ports: []orchestrator.ServicePort{{Service: "issuer", Port: 8080, Address: "127.0.0.1:1"}}},
		{Key: orchestrator.Key{Namespace: "production", Name: "issuer"}, Ports: []orchestrator.ServicePort{{Service: "issuer", Port: 8080, Address: "127.0.0.1:2"}}},
	}}
	for addr, want := range map[string]string{
		"issuer.production.svc.cluster.local:8080": "127.0.0.1:2", "issuer.production.svc:8080": "127.0.0.1:2", "ISSUER.production:8080": "127.0.0.1:2",
		"issuer.other.svc:8080":    "127.0.0.1:1",
		"issuer:8080":              "", // istiod has no namespace in common with the issuer
		"issuer.production.svc:80": "", "issuer.example.com:8080": "", "127.0.0.1:8080": "", "[::1]:8080": "", "issuer.production:": "",
	} {
		if got := addressInShop(s, addr); got != want {
			t.Errorf("%s leads to %q, want %q", addr, got, want)
		}
	}
}
