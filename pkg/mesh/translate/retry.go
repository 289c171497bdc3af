package translate

import (
	"net/http"
	"strconv"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	priorityv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/priority/previous_priorities/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

const (
	// defaultRetryOn is what is retried where an object does not say: also without any object.
	defaultRetryOn  = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
	defaultAttempts = 2
	retryOnCodes    = "retriable-status-codes"
)

// defaultRetries are those of a route whose object says nothing of retries.
func defaultRetries() *routev3.RetryPolicy {
	return &routev3.RetryPolicy{
		NumRetries: wrapperspb.UInt32(defaultAttempts),
		RetryOn:    defaultRetryOn,
		RetryHostPredicate: []*routev3.RetryPolicy_RetryHostPredicate{
			{Name: "envoy.retry_host_predicates.previous_hosts"},
		},
		HostSelectionRetryMaxAttempts: 5,
	}
}

// translateRetries translates the retries of a rule. Absent ones are the default; without attempts there are none.
func translateRetries(retries *networking.HTTPRetry) *routev3.RetryPolicy {
	if retries == nil {
		return defaultRetries()
	}
	if retries.GetAttempts() <= 0 {
		return nil
	}
	policy := defaultRetries()
	policy.NumRetries = wrapperspb.UInt32(uint32(retries.GetAttempts()))
	policy.PerTryTimeout = retries.GetPerTryTimeout()
	if retries.GetRetryOn() != "" {
		policy.RetryOn, policy.RetriableStatusCodes = splitRetryOn(retries.GetRetryOn())
	}
	if retries.GetBackoff() != nil {
		policy.RetryBackOff = &routev3.RetryPolicy_RetryBackOff{BaseInterval: retries.GetBackoff()}
	}
	if previous := retries.GetRetryIgnorePreviousHosts(); previous != nil && !previous.GetValue() {
		policy.RetryHostPredicate = nil
	}
	if retries.GetRetryRemoteLocalities().GetValue() {
		policy.RetryPriority = &routev3.RetryPolicy_RetryPriority{
			Name: "envoy.retry_priorities.previous_priorities",
			ConfigType: &routev3.RetryPolicy_RetryPriority_TypedConfig{
				TypedConfig: Pack(&priorityv3.PreviousPrioritiesConfig{UpdateFrequency: defaultAttempts}),
			},
		}
	}
	return policy
}

// splitRetryOn separates the conditions in a list from the status codes, which need a condition of their own.
func splitRetryOn(list string) (retryOn string, codes []uint32) {
	var conditions []string
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if code, err := strconv.ParseUint(part, 10, 32); err == nil && http.StatusText(int(code)) != "" {
			codes = append(codes, uint32(code))
		} else {
			conditions = append(conditions, part)
		}
	}
	retryOn = strings.Join(conditions, ",")
	if len(codes) > 0 && !strings.Contains(retryOn, retryOnCodes) {
		retryOn += "," + retryOnCodes // codes alone leave a comma at the beginning, as they do in Istio
	}
	return retryOn, codes
}
