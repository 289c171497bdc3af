package advice

import "slices"

// Ignored is a field that is legal and that sidecars here do not follow. A field ends in [] for each element of a list.
type Ignored struct{ Field, Message string }

// IgnoredIn are the fields of a kind that sidecars here do not follow.
func IgnoredIn(kind string) []Ignored {
	switch kind {
	case "VirtualService":
		return []Ignored{
			{"spec.tls[]", "is not followed here: connections with TLS of their own go to the service that they name"},
			{"spec.tcp[].match[].destinationSubnets", "is not followed here, where every service has an address of this machine: the match never holds"},
			{"spec.exportTo", "is not followed here: the object holds for callers in every namespace"},
			{"spec.http[].delegate", "is not followed here: no request gets to the rules of the other object; write them in this one"},
		}
	case "DestinationRule":
		return slices.Concat(ignoredPolicy("spec.trafficPolicy."), ignoredPolicy("spec.subsets[].trafficPolicy."), []Ignored{
			{"spec.exportTo", "is not followed here: the object holds for callers in every namespace"},
			{"spec.workloadSelector", "is not followed here: the object holds for every caller"},
		})
	case "AuthorizationPolicy":
		return slices.Concat(ignoredTarget(), []Ignored{
			{"spec.provider", "there is no external authorizer here: requests that a CUSTOM policy matches are denied"},
		})
	case "RequestAuthentication":
		return ignoredTarget()
	}
	return nil
}

func ignoredTarget() []Ignored {
	const message = "is not followed here; name pods in selector.matchLabels"
	return []Ignored{{"spec.targetRef", message}, {"spec.targetRefs", message}}
}

// ignoredPolicy are those in the traffic policy at a path, and in its settings of ports.
func ignoredPolicy(at string) []Ignored {
	return slices.Concat(ignoredBlocks(at), ignoredBlocks(at+"portLevelSettings[]."), []Ignored{
		{at + "tunnel", "is not followed here: connections are direct"},
		{at + "proxyProtocol", "is not followed here: no header is put in front of connections"},
		{at + "tls.credentialName", "is not followed in sidecars: with it the service is not called at all; name files in caCertificates, clientCertificate and privateKey"},
		{at + "tls.caCrl", "is not followed here: certificates that were revoked are accepted"},
		{at + "retryBudget.budgetInterval", "is not followed here: only requests that are under way count"},
	})
}

// ignoredBlocks are those that a policy has for all ports and for one.
func ignoredBlocks(at string) []Ignored {
	const oneMachine = "is not followed here: all instances are on one machine"
	var fields []Ignored
	for _, f := range []Ignored{
		{"loadBalancer.localityLbSetting", oneMachine},
		{"loadBalancer.zoneAwareLbSetting", oneMachine},
		{"loadBalancer.warmup", "is not followed here: a new instance gets its full share at once"},
		{"loadBalancer.warmupDurationSecs", "is not followed here: a new instance gets its full share at once"},
		{"connectionPool.http.http2KeepAlive", "is not followed here: connections on one machine end with their process"},
		{"connectionPool.http.useClientProtocol", "is not followed here: the protocol is that of the port"},
		{"outlierDetection.outlierDetectionHttpErrorCodes", "has no effect, in Istio neither: 5xx and gateway errors are counted"},
	} {
		fields = append(fields, Ignored{at + f.Field, f.Message})
	}
	return fields
}
