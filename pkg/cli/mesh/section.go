package mesh

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/servicename"
)

// section is a part of what a sidecar holds, and how it is printed.
type section struct {
	name, short, long, example string
	header                     []string
	rows                       func(ios *iostreams.IO, now time.Time, r *controlpb.GetSidecarResponse) [][]string
	// resources are those of Envoy as JSON; names those of -o name.
	resources func(r *controlpb.GetSidecarResponse) [][]byte
	names     func(r *controlpb.GetSidecarResponse) []string
}

type sectionOptions struct {
	ios       *iostreams.IO
	connect   cmdutil.Connect
	namespace func() string
	now       func() time.Time
	format    string
	section   section
}

func newSectionCmd(f *cmdutil.Factory, s section) *cobra.Command {
	o := &sectionOptions{ios: f.IO, connect: f.Shop, namespace: f.Namespace, now: f.Now, section: s}
	cmd := &cobra.Command{
		Use:               s.name + " SERVICE",
		Short:             s.short,
		Long:              s.long + "\n\nA service with several instances has several sidecars: name an instance to see another than the first.",
		Example:           s.example,
		Args:              cmdutil.Exactly(1, "a service or an instance"),
		ValidArgsFunction: cmdutil.CompleteOneService(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	cmdutil.AddOutput(cmd, &o.format)
	return exits(cmd)
}

// resources are Envoy's, as JSON.
type resources struct {
	list  []json.RawMessage
	names []string
}

// MarshalJSON writes the list alone, as istioctl does.
func (r resources) MarshalJSON() ([]byte, error) { return json.Marshal(r.list) }

// Names are those of the resources.
func (r resources) Names() []string { return r.names }

func (o *sectionOptions) run(ctx context.Context, service string) error {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	resp, err := shop.GetSidecar(ctx, &controlpb.GetSidecarRequest{Service: servicename.In(o.namespace(), service)})
	if err != nil {
		return err
	}
	view := resources{list: []json.RawMessage{}, names: o.section.names(resp)}
	for _, resource := range o.section.resources(resp) {
		if len(resource) == 0 {
			continue // the resource stands in the first of its rows
		}
		if !json.Valid(resource) {
			return fmt.Errorf("read %s of %s: the shop sent a resource that is not JSON", o.section.name, service)
		}
		view.list = append(view.list, resource)
	}
	return o.ios.Print(o.format, view, func(w io.Writer) {
		t := iostreams.NewTable(o.section.header...)
		for _, row := range o.section.rows(o.ios, o.now(), resp) {
			t.Row(row...)
		}
		t.Write(w)
	})
}

// distinct are the names of rows, each once.
func distinct[T any](rows []T, name func(T) string) []string {
	var names []string
	known := map[string]bool{}
	for _, row := range rows {
		if n := name(row); !known[n] {
			known[n] = true
			names = append(names, n)
		}
	}
	return names
}

func documents[T interface{ GetJson() []byte }](rows []T) [][]byte {
	var list [][]byte
	for _, row := range rows {
		list = append(list, row.GetJson())
	}
	return list
}

func yesNo(yes bool) string { return strconv.FormatBool(yes) }

// shownObject is an object with the place where it was written, if it is known.
func shownObject(object, position string) string {
	if object == "" || position == "" {
		return object
	}
	return object + " (" + position + ")"
}

// shownDomains are the shortest of the names of a virtual host and how many more it has, as in istioctl.
func shownDomains(domains []string) string {
	const most = 2
	if len(domains) <= most {
		return strings.Join(domains, ", ")
	}
	return strings.Join(domains[:most], ", ") + fmt.Sprintf(" + %d more", len(domains)-most)
}
