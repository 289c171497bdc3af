package find

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// errNotFound is in the errors about names of kinds that are not stored.
var errNotFound = errors.New("not found")

// NotFound reports whether an error says that there is no object of a name.
func NotFound(err error) bool {
	st, ok := cmdutil.StatusOf(err)
	return errors.Is(err, errNotFound) || ok && st.Code() == codes.NotFound
}

// missing is the error about a name of a kind that is not stored.
func missing(k Kind, name string, known []string) error {
	return cmdutil.HintErr(cmdutil.ExitFailed, "shopctl get "+k.Plural, fmt.Errorf("%s/%s %w%s", k.Singular(), name, errNotFound, suggest.Phrase(name, known)))
}
