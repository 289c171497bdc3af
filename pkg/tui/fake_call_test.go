package tui

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/call"
)

// fakeCalls gives every call the same response, and records the calls.
type fakeCalls struct {
	made []string
	code codes.Code
	err  error
}

func (c *fakeCalls) Methods(_ context.Context, service string) ([]call.Method, error) {
	var all []call.Method
	for _, name := range []string{"ListProducts", "GetProduct", "SearchProducts"} {
		all = append(all, call.Method{Service: "hipstershop." + service, Name: name, Short: name, Input: "hipstershop." + name + "Request", Output: "hipstershop.Product"})
	}
	return all, c.err
}

func (c *fakeCalls) Template(context.Context, string, string) (string, error) {
	return "{\n  \"id\": \"\"\n}", c.err
}

func (c *fakeCalls) Invoke(_ context.Context, service string, r call.Request) (*call.Result, error) {
	message, err := io.ReadAll(r.Messages)
	if err != nil {
		return nil, err
	}
	c.made = append(c.made, fmt.Sprintf("%s %s %s %s %s", service, r.Method, message, r.Deadline, strings.Join(r.Target.Files.Protos, " ")))
	if c.err != nil {
		return nil, c.err
	}
	result := &call.Result{Status: status.New(c.code, ""), Duration: 12 * time.Millisecond, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
	if c.code != codes.OK {
		result.Status = status.New(c.code, "no product with ID NOPE")
		result.Details = []json.RawMessage{json.RawMessage(`{"@type": "x"}`)}
		return result, nil
	}
	r.OnMessage(json.RawMessage("{\n  \"id\": \"OLJCESPC7Z\",\n  \"name\": \"Sunglasses\"\n}"))
	return result, nil
}
