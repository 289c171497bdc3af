package control

import "github.com/shopctl/shopctl/pkg/mesh/translate"

// again makes the resources of all sidecars of what they are made of now, once there is a state of the shop.
func (p *Plane) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.maker != nil {
		p.refresh()
	}
}

// fetched are the keys of issuers that are known. p.mu is held.
func (p *Plane) fetched() map[string]translate.FetchedKeys {
	if p.keys == nil {
		return nil
	}
	all := map[string]translate.FetchedKeys{}
	for uri, set := range p.keys.Sets() {
		keys := translate.FetchedKeys{JWKS: set.Keys}
		if set.Err != nil {
			keys.Problem = set.Err.Error()
		}
		all[uri] = keys
	}
	return all
}
