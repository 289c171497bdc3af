package objects_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestGetAndDescribePrintWhatTheGoldensSay(t *testing.T) {
	for golden, args := range map[string][]string{
		"get-deploy.golden":    {"get", "deploy"},
		"get-all-ns.golden":    {"get", "services", "-A"},
		"get-yaml.golden":      {"get", "deployment/cartservice", "-o", "yaml"},
		"get-list.golden":      {"get", "configmaps", "-o", "json"},
		"get-list-yaml.golden": {"get", "configmaps", "-o", "yaml"},
		"get-all.golden":       {"get", "all"},
		"get-configmap.golden": {"get", "cm"},
		"get-secret.golden":    {"get", "secret"},
		"get-namespace.golden": {"get", "ns"},
		"get-sa.golden":        {"get", "sa"},
		"get-name.golden":      {"get", "deployments", "-o", "name"},
		"describe.golden":      {"describe", "deployment", "cartservice"},
		"describe-svc.golden":  {"describe", "svc"},
		"describe-cm.golden":   {"describe", "cm"},
		"describe-sec.golden":  {"describe", "secrets"},
	} {
		t.Run(golden, func(t *testing.T) {
			w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices(), Objects: clitest.SomeObjects(), Recent: clitest.SomeEvents()})
			w.Want(cmdutil.ExitOK, args...)
			w.Golden(golden)
		})
	}
}
