package shop_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestUpRefusesValuesThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want []string
	}{
		"no time":            {[]string{"up", "--timeout", "0s"}, nil, []string{"read --timeout 0s: want a time above zero"}},
		"a time below zero":  {[]string{"up", "--timeout", "-3s"}, nil, []string{"read --timeout -3s: want a time above zero"}},
		"a namespace":        {[]string{"up", "--namespace", "A_B"}, nil, []string{`read --namespace "A_B": want lower case`}},
		"a host":             {[]string{"up", "--otlp-forward", "nosuch.invalid"}, nil, []string{"nosuch.invalid has no address", "hint: --otlp-forward http://"}},
		"a host in variable": {[]string{"up"}, map[string]string{"SHOPCTL_OTLP_FORWARD": "nosuch.invalid:4317"}, []string{"nosuch.invalid has no address"}},
		"a port in variable": {[]string{"up"}, map[string]string{"SHOPCTL_PORT": "abc"}, []string{`read SHOPCTL_PORT="abc": want 1 to 65535`, "hint: unset SHOPCTL_PORT"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := clitest.NewWorld(t)
			for k, v := range c.env {
				w.Env[k] = v
			}
			w.Want(cmdutil.ExitUsage, c.args...)
			w.WantErr(c.want...)
		})
	}
}
