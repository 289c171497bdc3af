// Package find reads the words by which commands name objects, and gets these objects. Beside the kinds that the shop stores, it
// knows pods, which it makes of what runs.
package find

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/edit"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// Kind is a kind of objects that can be shown.
type Kind struct {
	Name, APIVersion, Plural string
	Namespaced               bool
	// Stored kinds are those of the shop's store. Others are shown and cannot be changed.
	Stored bool

	columns func() []Column
	get     func(ctx context.Context, shop *control.Client, q Query) ([]resource.Object, error)
}

// Singular is the name in lower case: "deployment".
func (k Kind) Singular() string { return strings.ToLower(k.Name) }

// Column is a column of a table of objects.
type Column struct {
	Header string
	Cell   func(o resource.Object, now time.Time) string
	// Wide: only with -o wide.
	Wide bool
}

// Columns are those of the kind. Those that are Wide come last.
func (k Kind) Columns() []Column { return k.columns() }

// Query says which objects of a kind.
type Query struct {
	// Names; empty: all.
	Names []string
	// Namespace; empty: the shop's own. All: of every namespace.
	Namespace string
	All       bool
	// Selector is -l: "app=cart,version!=v1"; empty: all.
	Selector string
}

func (q Query) namespace() string {
	if q.All {
		return "*"
	}
	return q.Namespace
}

// Get returns the objects of a query. An error for which NotFound is true is about a name.
func (k Kind) Get(ctx context.Context, shop *control.Client, q Query) ([]resource.Object, error) {
	return k.get(ctx, shop, q)
}

// all is kubectl's word for the kinds that run something.
const all = "all"

// Lookup finds a kind by any of its names.
func Lookup(word string) (Kind, error) {
	if k, ok := shown(word); ok {
		return k, nil
	}
	kind, err := resource.LookupKind(word)
	var unsupported *resource.UnsupportedKindError
	if errors.As(err, &unsupported) {
		return Kind{}, cmdutil.UsageErr(hint(word), "%w", err)
	}
	return stored(kind), err
}

// shown finds a kind that is shown and not stored.
func shown(word string) (Kind, bool) {
	switch strings.ToLower(word) {
	case "pod", "pods", "po":
		return pods(), true
	}
	return Kind{}, false
}

// stored is a kind of the shop's store.
func stored(kind resource.Kind) Kind {
	return Kind{
		Name: kind.Name, APIVersion: kind.APIVersion, Plural: kind.Plural, Namespaced: kind.Namespaced, Stored: true,
		columns: func() []Column {
			var columns []Column
			for _, c := range kind.Columns() {
				columns = append(columns, Column{Header: c.Header, Cell: c.Cell})
			}
			return append(columns, wideColumns(kind.Name)...)
		},
		get: func(ctx context.Context, shop *control.Client, q Query) ([]resource.Object, error) {
			resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: kind.Name, Names: q.Names, Namespace: q.namespace(), Selector: q.Selector, Overlays: true})
			if err != nil {
				return nil, err
			}
			objects := make([]resource.Object, len(resp.GetObjects()))
			for i, o := range resp.GetObjects() {
				if o.GetKind() != kind.Name {
					return nil, fmt.Errorf("get %s: the shop answered with a %q", kind.Plural, o.GetKind())
				}
				if objects[i], err = edit.TypedObject(o); err != nil {
					return nil, err
				}
			}
			return objects, nil
		},
	}
}

// hint suggests a command for a word that is not a kind.
func hint(word string) string {
	switch strings.ToLower(word) {
	case "events", "event", "ev":
		return "shopctl events"
	}
	if b, ok := services.Lookup(word); ok {
		return "shopctl describe deployment " + b.Name
	}
	return "shopctl get deployments"
}

// Ref is a kind, and the names of some of its objects; none: all.
type Ref struct {
	Kind  Kind
	Names []string
	// Namespace of the objects where it is known; empty: that of the command.
	Namespace string
}

// Refs reads "KIND[,KIND...] [NAME...]" and "KIND/NAME..." as kubectl does; a word for several kinds is "all".
func Refs(args []string) ([]Ref, error) {
	if strings.Contains(args[0], "/") {
		return slashed(args)
	}
	words := strings.Split(args[0], ",")
	if i := slices.Index(words, all); i >= 0 {
		words = slices.Replace(words, i, i+1, "pods", "services", "deployments")
	}
	var refs []Ref
	for _, word := range words {
		kind, err := Lookup(word)
		if err != nil {
			return nil, err
		}
		for _, name := range args[1:] {
			if strings.Contains(name, "/") && kind.Namespaced {
				return nil, cmdutil.UsageErr("shopctl get "+kind.Plural+" NAME", "read %q: there is no need to name a kind in front of a name after %s", name, kind.Plural)
			}
		}
		refs = append(refs, Ref{Kind: kind, Names: args[1:]})
	}
	return refs, nil
}

// slashed reads "KIND/NAME...". Names of one kind that follow each other make one Ref.
func slashed(args []string) ([]Ref, error) {
	var refs []Ref
	for _, arg := range args {
		word, name, ok := strings.Cut(arg, "/")
		if !ok || name == "" {
			return nil, cmdutil.UsageErr("shopctl get deployment/cartservice", "read %q: want KIND/NAME like those before it", arg)
		}
		kind, err := Lookup(word)
		if err != nil {
			return nil, err
		}
		if last := len(refs) - 1; last >= 0 && refs[last].Kind.Name == kind.Name {
			refs[last].Names = append(refs[last].Names, name)
			continue
		}
		refs = append(refs, Ref{Kind: kind, Names: []string{name}})
	}
	return refs, nil
}
