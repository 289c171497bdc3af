package lesson

import (
	"context"
	"fmt"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// refuseMonolith returns an error for a shop in one process: lessons break, watch and repair services with a process
// each.
func refuseMonolith(ctx context.Context, ios *iostreams.IO, shop *control.Client) error {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil || !st.GetMonolith() {
		return err
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl --name lessons up", fmt.Errorf("open the lesson: shop %q is a monolith, and lessons need a process per service", st.GetName()))
}
