package shop_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestPsAndStatusPrintWhatTheGoldensSay(t *testing.T) {
	for golden, args := range map[string][]string{
		"ps.golden":           {"ps"},
		"ps-instances.golden": {"ps", "--instances", "cartservice"},
		"ps-stats.golden":     {"ps", "--stats"},
		"ps-json.golden":      {"ps", "-o", "json"},
		"ps-name.golden":      {"ps", "-o", "name"},
		"ps-color.golden":     {"ps", "--color", "always"},
		"status.golden":       {"status"},
		"status-json.golden":  {"status", "-o", "json"},
		"status-yaml.golden":  {"status", "-o", "yaml"},
	} {
		t.Run(golden, func(t *testing.T) {
			w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices(), Objects: clitest.SomeObjects(), Recent: clitest.SomeEvents()})
			w.Want(cmdutil.ExitOK, args...)
			w.Golden(golden)
		})
	}
}
