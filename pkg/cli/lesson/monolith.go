package lesson

import (
	"context"
	"fmt"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// refuseMonolith keeps lessons away from a shop in one process: they break, watch and repair services that
// have a process each.
func refuseMonolith(ctx context.Context, ios *iostreams.IO, shop *control.Client) error {
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil || !st.GetMonolith() {
		return err
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl --name lessons up", fmt.Errorf("open the lesson: shop %q is one process, and lessons want one for each service", st.GetName()))
}
