package control

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// part is some of a sidecar's resources, and their hash. Parts are shared between sidecars, and are not changed.
type part struct {
	*xds.Resources
	sum []byte
}

// maker makes the resources of all sidecars for one state of the shop.
type maker struct {
	mesh *translate.Mesh
	// scopes has what sidecars need to call others, by their scopes.
	scopes map[string]*part
	// known has all messages by their hashes, and before those of an earlier state.
	known, before map[[sha256.Size]byte]proto.Message
}

// newMaker returns one that uses messages of an earlier again; nil: there is no earlier.
func newMaker(m *translate.Mesh, earlier *maker) *maker {
	k := &maker{mesh: m, scopes: map[string]*part{}, known: map[[sha256.Size]byte]proto.Message{}}
	if earlier != nil {
		k.before = earlier.known
	}
	return k
}

// resources are all that a sidecar is configured with.
func (k *maker) resources(node Node, ports []AppPort) *xds.Resources {
	return join(k.callers(node), k.seal(callee(k.mesh, node, ports)))
}

// callers is what a sidecar needs to call others, made once for all of its scope.
func (k *maker) callers(node Node) *part {
	if node.Gateway {
		return &part{Resources: &xds.Resources{}}
	}
	scope := k.mesh.Scope(translate.Proxy{Namespace: node.Namespace, Labels: node.Labels})
	key := fmt.Sprintf("%q", scope) // with labels in their order
	if k.scopes[key] == nil {
		k.scopes[key] = k.seal(callers(k.mesh, scope))
	}
	return k.scopes[key]
}

// seal makes a part of resources. A resource of which an equal is known becomes that one, so that what was made of the
// message is still good.
func (k *maker) seal(r *xds.Resources) *part {
	sum := sha256.New()
	seal(k, sum, r.Listeners)
	seal(k, sum, r.Clusters)
	seal(k, sum, r.Routes)
	seal(k, sum, r.Endpoints)
	return &part{r, sum.Sum(nil)}
}

func seal[M proto.Message](k *maker, sum hash.Hash, messages []M) {
	for i, m := range messages {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		// What cannot be encoded is refused when it is served.
		one := sha256.Sum256(fmt.Appendf(data, " %s %v", m.ProtoReflect().Descriptor().FullName(), err))
		sum.Write(one[:])
		if same, ok := k.known[one].(M); ok {
			messages[i] = same
		} else if same, ok := k.before[one].(M); ok {
			messages[i] = same
		}
		k.known[one] = messages[i]
	}
}

// join returns the resources of two parts, with a version that changes with any of them.
func join(a, b *part) *xds.Resources {
	sum := sha256.Sum256(slices.Concat(a.sum, b.sum))
	return &xds.Resources{
		Version:   hex.EncodeToString(sum[:8]),
		Listeners: slices.Concat(a.Listeners, b.Listeners),
		Clusters:  slices.Concat(a.Clusters, b.Clusters),
		Routes:    slices.Concat(a.Routes, b.Routes),
		Endpoints: slices.Concat(a.Endpoints, b.Endpoints),
	}
}
