package trace_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/shopctl/shopctl/pkg/trace"
)

// foreign is a span as another SDK may send it: numbers as strings and as numbers, both spellings of
// names, unknown fields.
const foreign = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"billing"}}]},
"scopeSpans":[{"scope":{"name":"by hand"},"spans":[{
"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","parent_span_id":"eee19b7ec3c1b173",
"name":"POST /bill","kind":2,"startTimeUnixNano":"1544712660000000000","end_time_unix_nano":1544712661000000000,
"attributes":[{"key":"http.request.method","value":{"stringValue":"POST"}},{"key":"http.response.status_code","value":{"intValue":"503"}},
{"key":"parts","value":{"arrayValue":{"values":[{"intValue":1},{"doubleValue":0.5},{"boolValue":true}]}}}],
"status":{"code":2,"message":"no money"},"links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175"}],
"fieldOfTomorrow":{"a":[1]}}]}],"anotherOne":1}]}`

func TestOTLPJSONIsReadAsOthersWriteIt(t *testing.T) {
	data, err := trace.DecodeJSON([]byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	spans, refused := trace.Spans(data)
	if len(spans) != 1 || refused != 0 {
		t.Fatalf("%d spans, %d refused", len(spans), refused)
	}
	s := spans[0]
	if s.Trace.String() != "5b8efff798038103d269b633813fc60c" || s.Span.String() != "eee19b7ec3c1b174" || s.Parent.String() != "eee19b7ec3c1b173" {
		t.Errorf("ids %s %s %s", s.Trace, s.Span, s.Parent)
	}
	if s.Service != "billing" || s.Kind != trace.Server || s.Duration().Seconds() != 1 || !s.Error || s.Message != "no money" || s.Protocol != "http" || s.Code != "503" {
		t.Errorf("span %+v", s)
	}
	if got := s.Attribute("parts"); got != "[1,0.5,true]" {
		t.Errorf("an array is %s", got)
	}
	if id := data.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetLinks()[0].GetSpanId(); len(id) != 8 {
		t.Errorf("the link's id has %d bytes", len(id))
	}
}

func TestOTLPJSONIsWrittenAsTheSpecificationSays(t *testing.T) {
	data, err := trace.DecodeJSON([]byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	text, err := trace.EncodeJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"traceId":"5b8efff798038103d269b633813fc60c"`, `"spanId":"eee19b7ec3c1b174"`, `"parentSpanId":"eee19b7ec3c1b173"`,
		`"kind":2`, `"code":2`, `"startTimeUnixNano":"1544712660000000000"`, `"intValue":"503"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	again, err := trace.DecodeJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(data, again, protocmp.Transform()); d != "" {
		t.Errorf("read again (-first +second):\n%s", d)
	}
}

func TestBase64IDsAreUnderstoodToo(t *testing.T) {
	data, err := trace.DecodeJSON([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ="}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if spans, _ := trace.Spans(data); len(spans) != 1 || spans[0].Trace.String() != "5b8efff798038103d269b633813fc60c" {
		t.Errorf("spans %v", spans)
	}
}

func TestSpansWithoutValidIDsAreCounted(t *testing.T) {
	for _, ids := range []string{
		`"traceId":"","spanId":"eee19b7ec3c1b174"`,
		`"traceId":"00000000000000000000000000000000","spanId":"eee19b7ec3c1b174"`,
		`"traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000000"`,
		`"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b1"`,
		`"traceId":"5b8efff798038103d269b633813fc60czz","spanId":"eee19b7ec3c1b174"`,
	} {
		data, err := trace.DecodeJSON([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{` + ids + `}]}]}]}`))
		if err != nil {
			t.Errorf("%s: %v", ids, err)
			continue
		}
		if spans, refused := trace.Spans(data); len(spans) != 0 || refused != 1 {
			t.Errorf("%s: %d spans, %d refused", ids, len(spans), refused)
		}
	}
}

func TestFilesOfEveryKindAreRead(t *testing.T) {
	data, err := trace.DecodeJSON([]byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	line, err := trace.EncodeJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := proto.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		content string
		spans   int
	}{
		"one object":         {foreign, 1},
		"an object a line":   {string(line) + "\n" + string(line) + "\n", 2},
		"with a mark before": {"\ufeff" + string(line), 1},
		"protobuf":           {string(binary), 1},
	} {
		data, err := trace.ReadFile(strings.NewReader(tt.content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if spans, _ := trace.Spans(data); len(spans) != tt.spans {
			t.Errorf("%s: %d spans, want %d", name, len(spans), tt.spans)
		}
	}
	for name, tt := range map[string]struct{ content, want string }{
		"empty":         {" \n", "the file is empty"},
		"something":     {"hello", "neither OTLP/JSON nor"},
		"a torn object": {string(line) + "\n" + string(line[:50]), "object 2: "},
		"a wrong type":  {`{"resourceSpans":7}`, "object 1: read OTLP/JSON"},
	} {
		if _, err := trace.ReadFile(strings.NewReader(tt.content)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func FuzzReadFile(f *testing.F) {
	f.Add([]byte(foreign))
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W4==","spanId":"7uGbfsPBsXQ=","startTimeUnixNano":"18446744073709551615"}]}]}]}`))
	data, err := trace.DecodeJSON([]byte(foreign))
	if err != nil {
		f.Fatal(err)
	}
	binary, err := proto.Marshal(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(binary)
	f.Fuzz(func(t *testing.T, content []byte) {
		data, err := trace.ReadFile(bytes.NewReader(content))
		if err != nil {
			return
		}
		spans, _ := trace.Spans(data)
		for _, tr := range trace.Assemble(spans) {
			tr.Sequence()
			trace.Compare(tr, tr)
		}
		if text, err := trace.EncodeJSON(data); err == nil {
			if _, err := trace.DecodeJSON(text); err != nil {
				t.Errorf("what was written is not read: %v", err)
			}
		}
	})
}
