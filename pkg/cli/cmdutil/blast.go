package cmdutil

import (
	"context"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// BlastOf are what the active faults do, one sentence each by the fault's id, where they are wanted. A
// shop that cannot tell has none.
func BlastOf(ctx context.Context, shop *control.Client, wanted bool, faults []*controlpb.Fault) map[string]string {
	if !wanted || len(faults) == 0 {
		return nil
	}
	m, err := shop.GetMap(ctx, &controlpb.GetMapRequest{})
	if err != nil {
		return nil
	}
	sentences := map[string]string{}
	for _, b := range m.GetBlast() {
		sentences[b.GetFaultId()] = b.GetSentence()
	}
	return sentences
}
