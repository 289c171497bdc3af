package cmdutil

import (
	"cmp"
	"fmt"
	"strings"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Crashed returns an error if a workload is in a crash loop, which waiting does not resolve.
func Crashed(all []*controlpb.Service, workload string) error {
	for _, s := range all {
		if strings.EqualFold(s.GetWorkload(), workload) && s.GetState() == "crashloop" {
			return HintErr(ExitFailed, "shopctl logs --tail 20 "+s.GetName(), fmt.Errorf("start %s: %s", s.GetName(), cmp.Or(s.GetMessage(), "it keeps crashing")))
		}
	}
	return nil
}
