package mesh

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// sections are the parts of what a sidecar holds.
func sections() []section {
	return []section{routes(), clusters(), listeners(), endpoints(), secrets()}
}

func routes() section {
	return section{
		name: "routes", short: "Print the routes of a sidecar",
		long: `Print the routes by which a sidecar decides where a request goes, in the order in which it tries them: the first whose
match fits wins. A route of a VirtualService names it, with the file and line.`,
		example: "shopctl mesh routes checkout\nshopctl mesh routes checkout -o json | jq '.[].virtualHosts[].name'",
		header:  []string{"NAME", "VHOST", "DOMAINS", "MATCH", "TARGET", "POLICY", "VIRTUAL SERVICE"},
		rows: func(_ *iostreams.IO, _ time.Time, r *controlpb.GetSidecarResponse) (rows [][]string) {
			for _, row := range r.GetRoutes() {
				rows = append(rows, []string{
					row.GetName(), row.GetVirtualHost(), shownDomains(row.GetDomains()), row.GetMatch(), row.GetTarget(),
					iostreams.OrDash(row.GetPolicy()), shownObject(row.GetObject(), row.GetPosition()),
				})
			}
			return rows
		},
		resources: func(r *controlpb.GetSidecarResponse) [][]byte { return documents(r.GetRoutes()) },
		names: func(r *controlpb.GetSidecarResponse) []string {
			return distinct(r.GetRoutes(), (*controlpb.MeshRoute).GetName)
		},
	}
}

func clusters() section {
	return section{
		name: "clusters", short: "Print the clusters of a sidecar",
		long: `Print the clusters of a sidecar: the groups of endpoints that a route can choose. A Service has one without a subset,
and one for each subset of its DestinationRule. Each has its own limits and its own list of ejected endpoints.

BREAKERS is how full its circuit breakers are: requests 9/10 are nine under way of at most ten. Behind it is what went
over a limit, by Envoy's names. With -o json both stand in the metadata of the cluster, under "shopctl".`,
		example: "shopctl mesh clusters checkout\nshopctl mesh clusters checkout -o json | jq '.[].metadata.filterMetadata.shopctl'",
		header:  []string{"SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "ENDPOINTS", "EJECTED", "BREAKERS", "POLICY", "DESTINATION RULE"},
		rows: func(ios *iostreams.IO, now time.Time, r *controlpb.GetSidecarResponse) (rows [][]string) {
			for _, row := range r.GetClusters() {
				rows = append(rows, []string{
					row.GetServiceFqdn(), iostreams.OrDash(row.GetPort()), iostreams.OrDash(row.GetSubset()), row.GetDirection(), row.GetType(),
					fmt.Sprint(row.GetEndpoints()), ios.Paint(toneOfCount(row.GetEjected()), ejected(now, row, r.GetEndpoints())),
					breakers(ios, row), iostreams.OrDash(row.GetPolicy()), shownObject(row.GetObject(), row.GetPosition()),
				})
			}
			return rows
		},
		resources: func(r *controlpb.GetSidecarResponse) [][]byte { return documents(r.GetClusters()) },
		names: func(r *controlpb.GetSidecarResponse) []string {
			return distinct(r.GetClusters(), (*controlpb.MeshCluster).GetName)
		},
	}
}

func listeners() section {
	return section{
		name: "listeners", short: "Print the listeners of a sidecar",
		long: `Print where a sidecar accepts connections. Each outbound listener belongs to one Service and one port, and has an
address of its own, since nothing redirects connections here. The inbound listener stands before the program; its
filter chains decide by what a connection begins with: TLS of the mesh, other TLS, or plaintext.`,
		example: "shopctl mesh listeners payment\nshopctl mesh listeners payment -o yaml",
		header:  []string{"NAME", "DIRECTION", "ADDRESS", "MATCH", "DESTINATION"},
		rows: func(_ *iostreams.IO, _ time.Time, r *controlpb.GetSidecarResponse) (rows [][]string) {
			for _, row := range r.GetListeners() {
				rows = append(rows, []string{row.GetName(), row.GetDirection(), iostreams.OrDash(row.GetAddress()), row.GetMatch(), row.GetDestination()})
			}
			return rows
		},
		resources: func(r *controlpb.GetSidecarResponse) [][]byte { return documents(r.GetListeners()) },
		names: func(r *controlpb.GetSidecarResponse) []string {
			return distinct(r.GetListeners(), (*controlpb.MeshListener).GetName)
		},
	}
}

func endpoints() section {
	return section{
		name: "endpoints", short: "Print the endpoints of a sidecar's clusters",
		long: `Print the endpoints of each cluster, whether each is healthy, and whether outlier detection has ejected it, why and for
how long. Every caller ejects for itself: another sidecar can still use an endpoint that this one does not. With -o json
it stands in the metadata of the endpoint, under "shopctl".`,
		example: "shopctl mesh endpoints checkout\nshopctl mesh endpoints checkout -o name",
		header:  []string{"ENDPOINT", "STATUS", "OUTLIER CHECK", "EJECTED", "CLUSTER", "INSTANCE", "SECURITY"},
		rows: func(ios *iostreams.IO, now time.Time, r *controlpb.GetSidecarResponse) (rows [][]string) {
			for _, row := range r.GetEndpoints() {
				rows = append(rows, []string{
					row.GetAddress(), row.GetStatus(), ios.Paint(toneOfCheck(row.GetOutlier()), row.GetOutlier()), ejection(now, row), row.GetCluster(),
					iostreams.OrDash(row.GetInstance()), iostreams.OrDash(row.GetSecurity()),
				})
			}
			return rows
		},
		resources: func(r *controlpb.GetSidecarResponse) [][]byte { return documents(r.GetEndpoints()) },
		names: func(r *controlpb.GetSidecarResponse) []string {
			return distinct(r.GetEndpoints(), (*controlpb.MeshEndpoint).GetAddress)
		},
	}
}

// ejection is why an endpoint is ejected and for how long: "consecutive 5xx errors, 12s ago, for 18s more".
func ejection(now time.Time, e *controlpb.MeshEndpoint) string {
	if e.GetEjectedSince() == nil {
		return "-"
	}
	return fmt.Sprintf("%s, %s ago, %s", e.GetEjectedReason(), cmdutil.Age(now, e.GetEjectedSince().AsTime()), back(now, e))
}

// back is when an ejected endpoint is called again. The sidecar looks for those whose time is over at each interval of its
// outlier detection.
func back(now time.Time, e *controlpb.MeshEndpoint) string {
	left := e.GetEjectedUntil().AsTime().Sub(now)
	if left <= 0 {
		return "until the next check"
	}
	return fmt.Sprintf("for %s more", humanize.Duration(left.Round(100*time.Millisecond)))
}

// ejected is how many endpoints of a cluster are ejected, and which: "1: payment-7d9f-x2x4k for 18s more".
func ejected(now time.Time, c *controlpb.MeshCluster, endpoints []*controlpb.MeshEndpoint) string {
	var who []string
	for _, e := range endpoints {
		if e.GetCluster() == c.GetName() && e.GetEjectedSince() != nil {
			who = append(who, cmp.Or(e.GetInstance(), e.GetAddress())+" "+back(now, e))
		}
	}
	return strings.TrimSuffix(fmt.Sprintf("%d: %s", c.GetEjected(), strings.Join(who, ", ")), ": ")
}

// breakers are how full the circuit breakers of a cluster are: "requests 9/10, upstream_rq_pending_overflow 37".
func breakers(ios *iostreams.IO, c *controlpb.MeshCluster) string {
	var words []string
	for _, b := range c.GetBreakers() {
		text := fmt.Sprintf("%s %d/%d", b.GetName(), b.GetActive(), b.GetLimit())
		if b.GetActive() >= b.GetLimit() {
			text = ios.Paint(iostreams.ToneWarn, text)
		}
		words = append(words, text)
	}
	for _, name := range slices.Sorted(maps.Keys(c.GetOverflows())) {
		words = append(words, ios.Paint(iostreams.ToneWarn, fmt.Sprintf("%s %d", name, c.GetOverflows()[name])))
	}
	return iostreams.OrDash(strings.Join(words, ", "))
}

func toneOfCheck(outlier string) iostreams.Tone {
	if outlier == "OK" {
		return iostreams.ToneGood
	}
	return iostreams.ToneBad
}

func toneOfCount(ejected int32) iostreams.Tone {
	if ejected > 0 {
		return iostreams.ToneBad
	}
	return iostreams.ToneFaint
}

type secretView struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Status    string `json:"status"`
	Valid     bool   `json:"valid"`
	Serial    string `json:"serial"`
	Identity  string `json:"identity"`
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
}

func secrets() section {
	return section{
		name: "secrets", short: "Print the certificates of a sidecar",
		long: `Print the certificate that a sidecar shows to others, and the one of the authority that it trusts. Private keys are
never shown: they do not leave the sidecar.`,
		example: "shopctl mesh secrets payment",
		header:  []string{"RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE", "IDENTITY"},
		rows: func(_ *iostreams.IO, _ time.Time, r *controlpb.GetSidecarResponse) (rows [][]string) {
			for _, row := range r.GetSecrets() {
				rows = append(rows, []string{
					row.GetName(), row.GetType(), row.GetStatus(), yesNo(row.GetValid()), iostreams.OrDash(row.GetSerial()),
					iostreams.OrDash(cmdutil.RFC3339(row.GetNotAfter())), iostreams.OrDash(cmdutil.RFC3339(row.GetNotBefore())), iostreams.OrDash(row.GetIdentity()),
				})
			}
			return rows
		},
		resources: func(r *controlpb.GetSidecarResponse) (list [][]byte) {
			for _, s := range r.GetSecrets() {
				view, err := json.Marshal(secretView{
					s.GetName(), s.GetType(), s.GetStatus(), s.GetValid(), s.GetSerial(), s.GetIdentity(), cmdutil.RFC3339(s.GetNotBefore()), cmdutil.RFC3339(s.GetNotAfter()),
				})
				if err == nil { // a struct of texts always encodes
					list = append(list, view)
				}
			}
			return list
		},
		names: func(r *controlpb.GetSidecarResponse) []string {
			return distinct(r.GetSecrets(), (*controlpb.MeshSecret).GetName)
		},
	}
}
