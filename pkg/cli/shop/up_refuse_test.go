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
		"no time":                        {[]string{"up", "--timeout", "0s"}, nil, []string{"read --timeout 0s: want a time above zero"}},
		"a time below zero":              {[]string{"up", "--timeout", "-3s"}, nil, []string{"read --timeout -3s: want a time above zero"}},
		"a namespace":                    {[]string{"up", "--namespace", "A_B"}, nil, []string{`read --namespace "A_B": want lower case`}},
		"a host":                         {[]string{"up", "--otlp-forward", "nosuch.invalid"}, nil, []string{"nosuch.invalid has no address", "hint: --otlp-forward http://"}},
		"a Redis by another scheme":      {[]string{"up", "--redis", "http://127.0.0.1:6379"}, nil, []string{"read --redis: it is not the URL of a Redis", "hint: --redis redis://127.0.0.1:6379"}},
		"the password of a Redis":        {[]string{"up", "--redis", "redis://:hunter2@127.0.0.1:6379"}, nil, []string{"a password does not belong on a command line", "hint: shopctl create secret generic cart-store"}},
		"TLS to a Redis":                 {[]string{"up", "--redis", "rediss://127.0.0.1:6379"}, nil, []string{"carts are not kept over TLS"}},
		"a database of a Redis":          {[]string{"up", "--redis", "redis://127.0.0.1/3"}, nil, []string{`database 0 of a Redis, not in "3"`}},
		"a Redis in variable":            {[]string{"up"}, map[string]string{"REDIS_ADDR": "redis://x:y@z"}, []string{"a password does not belong"}},
		"a Redis that pods do not reach": {[]string{"up", "--driver", "docker", "--redis", "127.0.0.1:6379"}, nil, []string{"with --driver docker, 127.0.0.1 is each pod itself"}},
		"a host in variable":             {[]string{"up"}, map[string]string{"SHOPCTL_OTLP_FORWARD": "nosuch.invalid:4317"}, []string{"nosuch.invalid has no address"}},
		"a port in variable":             {[]string{"up"}, map[string]string{"SHOPCTL_PORT": "abc"}, []string{`read SHOPCTL_PORT="abc": want 1 to 65535`, "hint: unset SHOPCTL_PORT"}},
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
