package shop

import (
	"fmt"
	"io"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// missingView is what one of the shop's own services lacks.
type missingView struct {
	Service string `json:"service"`
	Message string `json:"message"`
	Restore string `json:"restore"`
	// absent: it has no Deployment, so that it is not among the services. role is the one that it has in the shop.
	absent bool
	role   string
}

func viewMissing(ios *iostreams.IO, all []*controlpb.Missing) []missingView {
	views := make([]missingView, len(all))
	for i, m := range all {
		role := services.RoleService
		if b, ok := services.Lookup(m.GetService()); ok {
			role = b.Role
		}
		views[i] = missingView{m.GetService(), m.GetMessage(), ios.Command("restore " + m.GetService()), m.GetAbsent(), string(role)}
	}
	return views
}

// missingLines name what is missing, and the command that restores it.
func missingLines(ios *iostreams.IO, w io.Writer, all []missingView) {
	for _, m := range all {
		fmt.Fprintln(w, ios.Paint(iostreams.ToneWarn, fmt.Sprintf("%s: %s; to restore it: %s", m.Service, iostreams.OneLine(m.Message), m.Restore)))
	}
}
