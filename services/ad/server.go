package ad

import (
	"context"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// atRandom is how many ads are returned for a page without advertised categories.
const atRandom = 2

type server struct {
	hipstershop.UnimplementedAdServiceServer
	all        []*hipstershop.Ad
	byCategory map[string][]*hipstershop.Ad
	random     func(n int) int // a number from 0 to n-1, safe for concurrent use
}

func newServer(all []campaign, random func(int) int) *server {
	s := &server{byCategory: map[string][]*hipstershop.Ad{}, random: random}
	for _, c := range all {
		s.all = append(s.all, c.ad)
		s.byCategory[c.category] = append(s.byCategory[c.category], c.ad)
	}
	return s
}

// GetAds returns all ads of the requested categories, each category once, in the order of the keys; if there are none,
// two different random ads.
func (s *server) GetAds(_ context.Context, in *hipstershop.AdRequest) (*hipstershop.AdResponse, error) {
	out := &hipstershop.AdResponse{}
	seen := make(map[string]bool, len(s.byCategory))
	for _, key := range in.GetContextKeys() {
		ads, ok := s.byCategory[key]
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		out.Ads = append(out.Ads, ads...)
	}
	if len(out.Ads) == 0 {
		out.Ads = s.draw(atRandom)
	}
	return out, nil
}

// draw returns n different random ads, or all if there are fewer.
func (s *server) draw(n int) []*hipstershop.Ad {
	pool := append([]*hipstershop.Ad(nil), s.all...)
	n = min(n, len(pool))
	for i := range n {
		j := i + s.random(len(pool)-i)
		pool[i], pool[j] = pool[j], pool[i]
	}
	return pool[:n]
}
