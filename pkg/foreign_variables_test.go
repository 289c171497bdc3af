package pkg_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	limits "github.com/shopctl/shopctl/pkg/foreign"
	"github.com/shopctl/shopctl/pkg/lesson/command"
)

// onlyTheUsers are variables of services that a lesson by another author may not set: they choose a file, a receiver of
// data or a limit of the machine, or only shopctl sets them.
var onlyTheUsers = []string{
	"LISTEN_HOST", "ALLOWED_HOSTS", "KUBERNETES_SERVICE_HOST", "DATA_DIR", "GOMAXPROCS", "PATH", "PRODUCT_CATALOG_FILE", "SMTP_ADDR", "SMTP_FROM",
	"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
	"COLLECTOR_SERVICE_ADDR", "GOMEMLIMIT", "SHOPCTL_CONTAINER", "SHOPCTL_EXEC", "IMAGE_TAG", "CHECKOUT_DATABASE_URL", "NATS_URL", "NATS_SYNC", "CONFIRM_BY", "ISSUER_HOST",
}

func TestOfEveryVariableItIsDecidedWhetherALessonByAnotherAuthorMaySetIt(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, services, found := strings.Cut(string(page), "\n## Services\n")
	if !found {
		t.Fatal("the page has no section on services")
	}
	for _, m := range regexp.MustCompile("`([A-Z][A-Z_]+)`").FindAllStringSubmatch(services, -1) {
		if name := m[1]; limits.Settable(name) == slices.Contains(onlyTheUsers, name) {
			t.Errorf("decide on %s: add it to the settings of pkg/foreign, or to the list of this test", name)
		}
	}
}

func TestTheGuideNamesWhatALessonByAnotherAuthorRuns(t *testing.T) {
	page, err := os.ReadFile("../docs/writing-lessons.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`\n\| commands \|([^|]*)\|`).FindStringSubmatch(string(page))
	if row == nil {
		t.Fatal("the guide has no row on commands")
	}
	for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(row[1], -1) {
		if !command.ForeignVerb(m[1]) {
			t.Errorf("the guide names %s", m[1])
		}
	}
	if n := strings.Count(row[1], "`") / 2; n < 25 {
		t.Errorf("the guide names %d commands", n)
	}
}
