package edit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Begin notes when the change is made. now is the clock by which --wait says how long it took.
func (o *WaitFlags) Begin(now func() time.Time) { o.now, o.began = now, now() }

// Changed waits, with --wait, until what was applied has rolled out and is in force in the sidecars.
func (o *WaitFlags) Changed(ctx context.Context, ios *iostreams.IO, shop *control.Client, applied []*controlpb.AppliedObject) error {
	if err := o.Rollout(ctx, ios, shop, applied); err != nil {
		return err
	}
	objects := make([]*controlpb.Object, len(applied))
	for i, a := range applied {
		objects[i] = a.GetObject()
	}
	return o.InForce(ctx, ios, shop, objects)
}

// InForce waits, with --wait, until every sidecar has the change to the objects of Istio among objects in force.
func (o *WaitFlags) InForce(ctx context.Context, ios *iostreams.IO, shop *control.Client, objects []*controlpb.Object) error {
	if !o.wait || !ofMesh(objects) {
		return nil
	}
	left := o.timeout - o.now().Sub(o.began)
	resp, err := shop.AwaitMesh(ctx, &controlpb.AwaitMeshRequest{Timeout: durationpb.New(max(left, time.Millisecond))})
	if err != nil {
		return fmt.Errorf("wait for the sidecars: %w", err)
	}
	took := humanize.Duration(o.now().Sub(o.began))
	switch behind := resp.GetBehind(); {
	case len(behind) > 0:
		return lagging(ios, behind, took)
	case resp.GetSidecars() == 0:
		ios.Notef("no sidecar runs: the change has no effect on calls")
	default:
		ios.Notef("in force in %s after %s", humanize.Count(int(resp.GetSidecars()), "sidecar"), took)
	}
	return nil
}

// ofMesh reports whether an object of Istio is among objects.
func ofMesh(objects []*controlpb.Object) bool {
	for _, o := range objects {
		if group, _, _ := strings.Cut(o.GetApiVersion(), "/"); strings.HasSuffix(group, ".istio.io") {
			return true
		}
	}
	return false
}

// lagging is the error of sidecars that have not taken a change, or have refused it.
func lagging(ios *iostreams.IO, behind []*controlpb.Sidecar, took string) error {
	code, who := cmdutil.ExitFailed, make([]string, len(behind))
	for i, s := range behind {
		who[i] = s.GetInstance() + " is " + s.GetState()
		if s.GetMessage() != "" {
			who[i] += ": " + s.GetMessage()
		}
		if s.GetState() != "rejected" {
			code = cmdutil.ExitInconclusive
		}
	}
	return cmdutil.HintErr(code, ios.Command("mesh status"),
		fmt.Errorf("wait for the sidecars: not in force in %s after %s: %s", humanize.Count(len(behind), "sidecar"), took, strings.Join(who, "; ")))
}
