package cmdutil

import (
	"context"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// BlastOf returns the impact of the active faults, one sentence each by the fault's id, if wanted. It is empty if the
// shop cannot compute it.
func BlastOf(ctx context.Context, shop *control.Client, wanted bool, faults []*controlpb.Fault) map[string]string {
	if !wanted || len(faults) == 0 {
		return nil
	}
	m, err := shop.GetMap(ctx, &controlpb.GetMapRequest{Settle: true})
	if err != nil {
		return nil
	}
	sentences := map[string]string{}
	for _, b := range m.GetBlast() {
		sentences[b.GetFaultId()] = b.GetSentence()
	}
	return sentences
}
