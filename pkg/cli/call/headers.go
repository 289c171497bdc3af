package call

import (
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// variable finds a reference in a header, as in grpcurl: "${NAME}".
var variable = lazyregexp.New(`\$\{\w+\}`)

// expandHeaders puts the values of environment variables into the headers, if that is asked for.
func (o *callOptions) expandHeaders() error {
	if !o.expand {
		return nil
	}
	if o.f.Foreign() {
		return cmdutil.ForeignErr("--expand-headers: it does not send variables of yours")
	}
	for i, header := range o.headers {
		missing := ""
		o.headers[i] = variable().ReplaceAllStringFunc(header, func(ref string) string {
			value := o.f.Getenv(ref[2 : len(ref)-1])
			if value == "" {
				missing = ref[2 : len(ref)-1]
			}
			return value
		})
		if missing != "" {
			return cmdutil.UsageErr("export "+missing+"=VALUE", "header %q refers to the environment variable %s, which is not set", header, missing)
		}
	}
	return nil
}
