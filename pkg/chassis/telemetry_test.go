package chassis

import (
	"fmt"
	"strings"
	"testing"
)

func TestOpenTelemetrysVariablesSayWhereSpansGo(t *testing.T) {
	for vars, want := range map[string]string{
		"":                                       "",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1": "http://a:1",
		"OTEL_EXPORTER_OTLP_ENDPOINT=a:1":        "http://a:1",
		"COLLECTOR_SERVICE_ADDR=c:1":             "http://c:1",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1 OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t:1": "http://t:1",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1 OTEL_SDK_DISABLED=TRUE":                        "",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1 OTEL_SDK_DISABLED=false":                       "http://a:1",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1 OTEL_TRACES_EXPORTER=none":                     "",
	} {
		env := map[string]string{}
		for _, kv := range strings.Fields(vars) {
			key, value, _ := strings.Cut(kv, "=")
			env[key] = value
		}
		if got := otlpEndpoint(func(key string) string { return env[key] }); got != want {
			t.Errorf("%s: spans go to %q, want %q", vars, got, want)
		}
	}
}

func TestHeadersOfTheExporterAreReadAndNeverPrinted(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "map[]",
		"a=1, b = x%20y ,":         "map[a:1 b:x y]",
		"authorization=Basic abc=": "map[authorization:Basic abc=]",
	} {
		if got, err := otlpHeaders(text); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q is read as %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"secret", "=secret", "key=%zzsecret"} {
		if _, err := otlpHeaders(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
