package cluster

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
)

// policy is how hosts are picked.
type policy struct {
	kind    clusterv3.Cluster_LbPolicy
	choices int // of least request
	ring    int // least number of entries of a ring
	largest int
}

func compilePolicy(config *clusterv3.Cluster) (policy, error) {
	p := policy{kind: config.GetLbPolicy(), choices: 2, ring: 1024, largest: 8 << 20}
	switch p.kind {
	case clusterv3.Cluster_ROUND_ROBIN, clusterv3.Cluster_RANDOM, clusterv3.Cluster_CLUSTER_PROVIDED, clusterv3.Cluster_MAGLEV:
	case clusterv3.Cluster_LEAST_REQUEST:
		if n := config.GetLeastRequestLbConfig().GetChoiceCount(); n != nil {
			p.choices = max(int(n.GetValue()), 2)
		}
	case clusterv3.Cluster_RING_HASH:
		ring := config.GetRingHashLbConfig()
		if ring.GetMinimumRingSize() != nil {
			p.ring = int(min(ring.GetMinimumRingSize().GetValue(), uint64(p.largest)))
		}
		if ring.GetMaximumRingSize() != nil {
			p.largest = int(min(ring.GetMaximumRingSize().GetValue(), uint64(p.largest)))
		}
	default:
		return p, fmt.Errorf("the load balancer %s is not supported", p.kind)
	}
	return p, nil
}

// hashes reports whether the hash of a request decides.
func (p policy) hashes() bool {
	return p.kind == clusterv3.Cluster_RING_HASH || p.kind == clusterv3.Cluster_MAGLEV
}

// hostList is what is picked from. It is not changed.
type hostList struct {
	all, usable []*Host
	ring        []entry
}

// entry is a host's place on a ring.
type entry struct {
	hash uint64
	host *Host
}

// refresh makes a list of the hosts as they are now. The caller holds the mutex.
func (c *Cluster) refresh() {
	list := &hostList{all: c.order}
	for _, h := range c.order {
		if !h.ejected.Load() && h.config.Load().healthy {
			list.usable = append(list.usable, h)
		}
	}
	if float64(len(list.usable))*100 < c.panic*float64(len(list.all)) {
		list.usable = list.all // too few are left to do without the others
	}
	if c.policy.hashes() {
		list.ring = c.policy.makeRing(list.usable)
	}
	c.used.Store(list)
}

// makeRing places each host about equally often. A table of Maglev is made as a ring too: equal hashes meet the same
// host, and few meet another when hosts come and go.
func (p policy) makeRing(hosts []*Host) []entry {
	if len(hosts) == 0 {
		return nil
	}
	each := max((max(p.ring, 1)+len(hosts)-1)/len(hosts), 1)
	if each*len(hosts) > p.largest {
		each = max(p.largest/len(hosts), 1)
	}
	ring := make([]entry, 0, each*len(hosts))
	for _, h := range hosts {
		for i := range each {
			ring = append(ring, entry{hash(h.Address + "_" + strconv.Itoa(i)), h})
		}
	}
	slices.SortFunc(ring, func(a, b entry) int { return cmp.Compare(a.hash, b.hash) })
	return ring
}

// hash distributes texts evenly, and alike in all sidecars.
func hash(text string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	h ^= h >> 33 // and mixed: the highest bits decide, and the last characters reach them little
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Pick picks the host of a request, or of another attempt at it. The hash counts where hosts are picked by it; 0 is a
// request without. Hosts that were tried are avoided by up to reselect more picks.
func (c *Cluster) Pick(hash uint64, tried []*Host, reselect int) (*Host, error) {
	list := c.used.Load()
	if len(list.usable) == 0 {
		return nil, ErrNoHealthyUpstream
	}
	host := c.pick(list, hash, 0)
	for attempt := 1; attempt <= reselect && slices.Contains(tried, host); attempt++ {
		host = c.pick(list, hash, attempt)
	}
	return host, nil
}

func (c *Cluster) pick(list *hostList, hash uint64, attempt int) *Host {
	n := len(list.usable)
	if n == 1 {
		return list.usable[0]
	}
	switch c.policy.kind {
	case clusterv3.Cluster_ROUND_ROBIN:
		return list.usable[(c.next.Add(1)-1)%uint64(n)]
	case clusterv3.Cluster_LEAST_REQUEST:
		host := list.usable[rand.IntN(n)]
		for range c.policy.choices - 1 {
			if other := list.usable[rand.IntN(n)]; other.active.Load() < host.active.Load() {
				host = other
			}
		}
		return host
	case clusterv3.Cluster_RING_HASH, clusterv3.Cluster_MAGLEV:
		if hash == 0 {
			hash = rand.Uint64()
		}
		return list.onRing(hash, attempt)
	}
	return list.usable[rand.IntN(n)]
}

// onRing is the host at a hash, or for another attempt at the entry that many after.
func (l *hostList) onRing(hash uint64, attempt int) *Host {
	i := sort.Search(len(l.ring), func(i int) bool { return l.ring[i].hash >= hash })
	return l.ring[(i+attempt)%len(l.ring)].host
}
