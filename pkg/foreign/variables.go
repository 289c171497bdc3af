package foreign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// settings are the variables of built-in services that choose neither a program nor a file nor a place to send data to.
var settings = [...]string{
	"LOG_LEVEL", "LOG_BATCH_DELAY", "SERVICE_VERSION", "CALL_TIMEOUT", "PASS_DEADLINE", "DRAIN_TIMEOUT", "METRICS_PORT",
	"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_PROPAGATORS", "OTEL_SERVICE_NAME", "BAGGAGE_ATTRIBUTES",
	"POD_NAME", "POD_NAMESPACE", "PORT",
	"REDIS_PASSWORD", "EXTRA_LATENCY", "PRICE_TTL", "ENABLE_SINGLE_SHARED_SESSION", "CURRENCIES_TTL",
	"RATE", "USERS", "SEED", "DURATION", "FREE_SHIPPING", "PARCEL_PACE", "ONE_MAIL_PER_ORDER", "REQUEST_COALESCING",
}

// addresses are the variables of built-in services that name another service.
var addresses = [...]string{
	"AD_SERVICE_ADDR", "CART_SERVICE_ADDR", "CHECKOUT_SERVICE_ADDR", "CURRENCY_SERVICE_ADDR", "EMAIL_SERVICE_ADDR",
	"PAYMENT_SERVICE_ADDR", "PRODUCT_CATALOG_SERVICE_ADDR", "RECOMMENDATION_SERVICE_ADDR", "SHIPPING_SERVICE_ADDR",
	"FRONTEND_ADDR", "REDIS_ADDR",
}

const (
	// storeProgram chooses the program of redis-cart; embeddedStore is its value for the one in this binary.
	storeProgram  = "REDIS_SERVER"
	embeddedStore = "embedded"
)

// Settable reports whether a lesson by another author may set a variable at all.
func Settable(name string) bool { return listed(plainName(name)) }

func listed(name string) bool {
	return slices.Contains(settings[:], name) || slices.Contains(addresses[:], name) || name == storeProgram
}

// plainName is the name of a variable without that of a module: AD_LOG_LEVEL is the LOG_LEVEL of a module of the monolith.
func plainName(name string) string {
	if _, ofModule, ok := strings.Cut(name, "_"); ok && !listed(name) {
		return ofModule
	}
	return name
}

// refuseVariable returns why a container of a built-in service may not get a variable; "" if it may.
func (v *view) refuseVariable(namespace, name, value string) string {
	switch plain := plainName(name); {
	case slices.Contains(settings[:], plain):
		return ""
	case slices.Contains(addresses[:], plain):
		return v.refuseAddress(namespace, value)
	case plain == storeProgram && value == embeddedStore:
		return ""
	case plain == storeProgram:
		return "a lesson by another author cannot choose what runs; the only value is " + embeddedStore
	}
	return "a lesson by another author sets only variables that built-in services document, and none that chooses a program, a file or a receiver"
}

// serviceForm matches the address of a Service: host:port with an optional scheme.
var serviceForm = lazyregexp.New(`^(?:[a-z]+://)?([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?)?\.?(?::[0-9]{1,5})?$`)

// moduleForm matches the address of a module in the same process.
var moduleForm = lazyregexp.New(`^inproc://[a-z-]+$`)

// refuseAddress returns why a value is not the address of a Service of the shop; "" if it is.
func (v *view) refuseAddress(namespace, value string) string {
	if value == "" || moduleForm().MatchString(value) {
		return ""
	}
	m := serviceForm().FindStringSubmatch(value)
	if m == nil || m[2] != "" && namespace != "" && m[2] != namespace {
		return fmt.Sprintf("%q is not the address of a Service in namespace %s, and a lesson by another author sends nothing elsewhere", value, namespace)
	}
	if v.services != nil && !v.services[orchestrator.Key{Namespace: namespace, Name: m[1]}] {
		return fmt.Sprintf("there is no Service %q, and a lesson by another author sends nothing elsewhere", m[1])
	}
	return ""
}
