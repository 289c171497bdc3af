package fault

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/rpc/code"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// Codes are the names of the gRPC codes that a call can be made to fail with.
func Codes() []string { return code.Names()[1:] }

// parseCode reads a gRPC code that means failure, by name in any spelling ("unavailable",
// "DeadlineExceeded", "deadline-exceeded") or by number ("14").
func parseCode(text string) (codes.Code, error) {
	names := code.Names()
	found := -1
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		if n >= 0 && n < len(names) {
			found = n
		}
	} else {
		for i, name := range names {
			if plain(name) == plain(text) || (name == "CANCELLED" && plain(text) == "canceled") {
				found = i
			}
		}
	}
	switch {
	case found > 0:
		return codes.Code(found), nil
	case found == 0:
		return 0, &Invalid{Text: "error OK: a call that ends with OK did not fail", Hint: "leave --error out, or use " + strings.Join(Codes(), ", ")}
	}
	hint := "use one of " + strings.Join(Codes(), ", ")
	if name := suggest.Match(strings.NewReplacer("-", "_", " ", "_").Replace(text), Codes()); name != "" {
		hint = "did you mean " + name + "?"
	}
	return 0, &Invalid{Text: fmt.Sprintf("unknown gRPC code %q", text), Hint: hint}
}

// plain is a name without the characters that people write differently.
func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name))
}
