package resource_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
)

func TestAMachineIsGivenAHundredInstancesOfADeployment(t *testing.T) {
	manifest := func(replicas string) []resource.Manifest {
		found, err := decode.Decode("a.yaml", []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  replicas: "+replicas+
			"\n  selector: {matchLabels: {app: a}}\n  template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if err := resource.LimitReplicas(manifest("100")); err != nil {
		t.Errorf("100: %v", err)
	}
	if err := resource.LimitReplicas(manifest("100000")); err == nil || err.Error() != "a.yaml:5:13: spec.replicas: 100000: want a number from 0 to 100" {
		t.Errorf("100000: %v", err)
	}
}
