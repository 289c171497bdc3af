package call

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

type httpOptions struct {
	ios      *iostreams.IO
	connect  cmdutil.Connect
	now      func() time.Time
	format   string
	headers  []string
	deadline time.Duration
	repeat   int
	from     string
	// namespace is that of --from.
	namespace func() string
}

// httpView is the envelope of a response. Fields are only added, and always present.
type httpView struct {
	Status     int                 `json:"status"`
	Headers    map[string][]string `json:"headers"`
	Body       string              `json:"body"`
	Bytes      int                 `json:"bytes"`
	DurationMs float64             `json:"duration_ms"`
}

func NewHTTPCmd(f *cmdutil.Factory) *cobra.Command {
	o := &httpOptions{ios: f.IO, connect: f.Shop, now: f.Now, namespace: f.Namespace}
	cmd := &cobra.Command{
		Use:   "http [METHOD] PATH [JSON]",
		Short: "Send an HTTP request to the storefront or its REST API",
		Long: `Send an HTTP request to the storefront: to a page, or to its REST API for the catalog and payments under /api/v1/. The
default method is GET, or POST with a body. The response body is printed unchanged, and redirects are not followed. A
status of 400 or above is a failure.

--repeat makes the request many times over one connection and prints latency and bytes per message and on the wire.
"shopctl call" does the same for gRPC. With --from, the request goes through another service's sidecar.`,
		Example: `shopctl http /api/v1/products
shopctl http '/api/v1/products:search?query=mug'
shopctl http POST /api/v1/payments '{"amount": {"currencyCode": "USD", "units": 5}}'
shopctl http /api/v1/products --repeat 100`,
		Args:              func(cmd *cobra.Command, args []string) error { return cmdutil.Count(cmd, args, 1, 3, "a path") },
		ValidArgsFunction: completePaths,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.headers, "header", "H", nil, "send this header: `'NAME: VALUE'`, or @- for those on standard input; can be repeated")
	flags.DurationVar(&o.deadline, "deadline", call.DefaultDeadline, "deadline of the request")
	flags.IntVar(&o.repeat, "repeat", 0, "make the request `TIMES` times and print latency and size")
	addFrom(cmd, f, &o.from)
	cmdutil.LimitNumber(cmd, "repeat", 1, maxRepeats, "100")
	cmdutil.LimitTime(cmd, "deadline", 1, "2s")
	cmdutil.AddOutput(cmd, &o.format)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitInterrupted)
}

func completePaths(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"/api/v1/products", "/api/v1/products/", "/api/v1/products:search?query=", "/api/v1/payments", "/"}, cobra.ShellCompDirectiveNoFileComp
}

// httpRequest is a request that can be repeated.
type httpRequest struct {
	method, url string
	header      http.Header
	body        []byte
}

func (o *httpOptions) run(ctx context.Context, args []string) error {
	if o.format == iostreams.FormatName {
		return cmdutil.UsageErr("-o json", "-o name is not for responses")
	}
	r, err := o.read(args)
	if err != nil {
		return err
	}
	base, err := o.storefront(ctx)
	if err != nil {
		return err
	}
	r.url = base + r.url
	meter := call.NewMeter(o.now)
	transport := &http.Transport{DialContext: meter.DialContext}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: o.deadline,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.repeat > 0 {
		return o.measure(ctx, client, meter, r)
	}
	return o.once(ctx, client, meter, r)
}

// read reads method, path, headers and body from the command line.
func (o *httpOptions) read(args []string) (*httpRequest, error) {
	r := &httpRequest{header: http.Header{}}
	if word := args[0]; !strings.HasPrefix(word, "/") && len(args) > 1 {
		r.method, args = strings.ToUpper(word), args[1:]
	}
	if r.url = args[0]; !strings.HasPrefix(r.url, "/") {
		return nil, cmdutil.UsageErr(o.ios.Command("http /api/v1/products"), "%q is not a path: want one that starts with /", r.url)
	}
	switch {
	case len(args) == 2 && args[1] == "-" && slices.Contains(o.headers, "@-"):
		return nil, cmdutil.UsageErr(headersExample, "-H @-: standard input holds the body already")
	case len(args) == 2 && args[1] == "-":
		body, err := io.ReadAll(io.LimitReader(o.ios.In, call.MaxMessage))
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		r.body = body
	case len(args) == 2:
		r.body = []byte(args[1])
	case len(args) > 2:
		return nil, cmdutil.UsageErr(o.ios.Command("http POST /api/v1/payments -"), "want at most a method, a path and a body, got %d arguments", len(args)+1)
	}
	if r.method == "" {
		r.method = map[bool]string{true: http.MethodPost, false: http.MethodGet}[r.body != nil]
	}
	if r.body != nil {
		r.header.Set("Content-Type", "application/json")
	}
	headers, err := fromInput(o.headers, o.ios.In)
	if err != nil {
		return nil, err
	}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, cmdutil.UsageErr("-H 'x-request-id: 42'", "header %q is not \"name: value\"", h)
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if err := checkHTTPHeader(name, value); err != nil {
			return nil, err
		}
		r.header.Set(name, value)
	}
	return r, nil
}

// checkHTTPHeader refuses what would not be sent as it was given.
func checkHTTPHeader(name, value string) error {
	switch strings.ToLower(name) {
	case "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade":
		return cmdutil.UsageErr("leave it out", "header %q belongs to the transport and cannot be set", name)
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return cmdutil.UsageErr("-H 'x-request-id: 42'", "header %q is not \"name: value\"", name+": "+value)
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return cmdutil.UsageErr("-H 'x-request-id: 42'", "header %q cannot be sent: its value has control characters: %q", name, value)
	}
	return nil
}

// send makes the request and reads the whole response.
func (o *httpOptions) send(ctx context.Context, client *http.Client, meter *call.Meter, r *httpRequest) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, nil, cmdutil.UsageErr(o.ios.Command("http GET /api/v1/products"), "%s: %v", r.method, err)
	}
	req.Header = r.header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, cmdutil.ExitErr(cmdutil.ExitInterrupted)
		}
		return nil, nil, cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("ps frontend"), err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, call.MaxMessage))
	if err != nil {
		return nil, nil, cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("ps frontend"), fmt.Errorf("read the response: %w", err))
	}
	meter.Message(len(r.body), len(body))
	return resp, body, nil
}

func (o *httpOptions) once(ctx context.Context, client *http.Client, meter *call.Meter, r *httpRequest) error {
	meter.Begin()
	resp, body, err := o.send(ctx, client, meter, r)
	if err != nil {
		return err
	}
	took := meter.End().Took
	view := httpView{Status: resp.StatusCode, Headers: resp.Header, Body: string(body), Bytes: len(body), DurationMs: cmdutil.Millis(took)}
	err = o.ios.Print(o.format, view, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n", bytes.TrimSuffix(body, []byte("\n")))
	})
	if err != nil {
		return err
	}
	if resp.StatusCode < http.StatusBadRequest {
		o.ios.Notef("%s %s, %d bytes after %.1f ms", resp.Proto, resp.Status, len(body), cmdutil.Millis(took))
		return nil
	}
	return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("trace list --service frontend"), fmt.Errorf("%s %s: %s%s", r.method, resp.Request.URL.RequestURI(), resp.Status, refusalIn(body)))
}

// refusalIn is the error message in a response of the REST API.
func refusalIn(body []byte) string {
	var refusal struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &refusal) != nil || refusal.Message == "" {
		return ""
	}
	return ": " + refusal.Message
}

func (o *httpOptions) measure(ctx context.Context, client *http.Client, meter *call.Meter, r *httpRequest) error {
	last := ""
	view, err := measure(ctx, meter, o.repeat, func(ctx context.Context) (bool, error) {
		resp, body, err := o.send(ctx, client, meter, r)
		if err != nil {
			return false, err
		}
		good := resp.StatusCode < http.StatusBadRequest
		if !good {
			last = resp.Status + refusalIn(body)
		}
		return good, nil
	})
	if err != nil {
		return err
	}
	if err := printMeasure(o.ios, o.format, view); err != nil {
		return err
	}
	if view.Failed > 0 {
		return cmdutil.HintErr(cmdutil.ExitFailed, o.ios.Command("trace list --service frontend"), fmt.Errorf("%d of %d requests failed: %s", view.Failed, view.Calls, last))
	}
	return nil
}
