package cmdutil

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

func ResolveDir(ios *iostreams.IO, getenv func(string) string) func() (rundir.Dir, error) {
	return func() (rundir.Dir, error) {
		dir, err := rundir.Resolve(ios.ShopName, getenv)
		switch {
		case errors.Is(err, rundir.ErrNoHome):
			return dir, HintErr(ExitEnvironment, "export SHOPCTL_STATE_DIR=/var/tmp/shopctl-$(id -u)", err)
		case err != nil:
			return dir, HintErr(ExitUsage, "--name second", err)
		}
		return dir, nil
	}
}

// DialShop returns the function that connects to the daemon. With the token of a session, the calls can do no more than
// the session may.
func DialShop(ios *iostreams.IO, dir func() (rundir.Dir, error), getenv func(string) string) func(context.Context) (*control.Client, error) {
	return func(context.Context) (*control.Client, error) {
		dir, err := dir()
		if err != nil {
			return nil, err
		}
		client, err := control.DialSession(dir, getenv(SessionEnv))
		if errors.Is(err, control.ErrNotRunning) {
			return nil, notRunning(ios)
		}
		return client, err
	}
}

// notRunning is the error of a command that needs the daemon.
func notRunning(ios *iostreams.IO) error {
	return HintErr(ExitNotRunning, ios.Command("up"), fmt.Errorf("connect to shop %q: %w", ios.ShopName, control.ErrNotRunning))
}
