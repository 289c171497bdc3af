package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// maxFile bounds what ReadFile reads.
const maxFile = 256 << 20

// ReadFile reads traces that were written down: OTLP's JSON as one object or as one object after the
// other, which is how the OpenTelemetry collector's file exporter writes, or binary protobuf.
func ReadFile(in io.Reader) (*tracepb.TracesData, error) {
	content, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("the file is larger than %d MB", maxFile>>20)
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return nil, errors.New("the file is empty")
	}
	if text[0] == '{' {
		return readObjects(text)
	}
	data := &tracepb.TracesData{}
	if err := proto.Unmarshal(content, data); err != nil || len(data.GetResourceSpans()) == 0 {
		return nil, errors.New("it contains neither OTLP/JSON nor binary OTLP traces")
	}
	return data, nil
}

func readObjects(text []byte) (*tracepb.TracesData, error) {
	all := &tracepb.TracesData{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	for n := 1; ; n++ {
		var object json.RawMessage
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", n, err)
		}
		data, err := DecodeJSON(object)
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", n, err)
		}
		all.ResourceSpans = append(all.ResourceSpans, data.GetResourceSpans()...)
	}
}
