package call

import (
	"fmt"
	"io"
	"slices"
	"strings"

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

// headersExample shows how headers come from another command.
const headersExample = "shopctl token -o header | shopctl call payment Charge -H @-"

// maxHeaders bounds the headers that are read from standard input, in bytes.
const maxHeaders = 64 << 10

// fromInput replaces "@-" among the headers by the lines of in, as curl does. It fails where "@" names anything else, and where
// in has no line.
func fromInput(headers []string, in io.Reader) ([]string, error) {
	var all []string
	for _, header := range headers {
		switch {
		case header == "@-":
			text, err := io.ReadAll(io.LimitReader(in, maxHeaders+1))
			if err != nil {
				return nil, fmt.Errorf("read headers from standard input: %w", err)
			}
			if len(text) > maxHeaders {
				return nil, cmdutil.UsageErr(headersExample, "-H @-: standard input has more than %d KiB of headers", maxHeaders>>10)
			}
			lines := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })
			if len(lines) == 0 {
				return nil, cmdutil.UsageErr(headersExample, "-H @-: standard input has no header")
			}
			all = append(all, lines...)
		case strings.HasPrefix(header, "@"):
			return nil, cmdutil.UsageErr(headersExample, "-H %s: headers are read from standard input only, with -H @-", header)
		default:
			all = append(all, header)
		}
	}
	return all, nil
}

// readHeaders completes the headers of the call: from standard input, and with variables if that is asked for. args are the
// service, the method and the message.
func (o *callOptions) readHeaders(args []string) error {
	message := len(args) > 2 && (args[2] == "-" || args[2] == "@")
	if message && slices.Contains(o.headers, "@-") {
		return cmdutil.UsageErr(headersExample, "-H @-: standard input holds the message already")
	}
	if err := o.expandHeaders(); err != nil {
		return err
	}
	headers, err := fromInput(o.headers, o.f.IO.In)
	o.headers = headers
	return err
}
