// Package validate decides whether Istio accepts an object. Messages have Istio's own texts, so that what people find about
// them elsewhere holds here too; the test compares verdicts and texts with Istio's. What the Kubernetes API server refuses
// by a schema before Istio sees it is not part of this package.
package validate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// Message is something about an object that its author should know.
type Message struct {
	// Warning: the object is accepted all the same.
	Warning bool
	// Path of the field that it is about, or of the innermost one around it: "spec.http[0].timeout".
	Path string
	Text string
}

// Spec returns the messages about the spec of an object, in Istio's order. A kind that it does not know has none.
func Spec(name, namespace string, spec proto.Message) []Message {
	c := &checker{path: "spec"}
	switch spec := spec.(type) {
	case *networking.VirtualService:
		c.virtualService(spec)
	case *networking.DestinationRule:
		c.destinationRule(spec)
	case *security.PeerAuthentication:
		c.peerAuthentication(spec)
	case *security.AuthorizationPolicy:
		c.authorizationPolicy(name+"."+namespace, spec)
	case *security.RequestAuthentication:
		c.requestAuthentication(spec)
	}
	return c.messages
}

// checker collects messages.
type checker struct {
	messages []Message
	// path of the field that is examined.
	path string
}

// in examines a field of the present one.
func (c *checker) in(field string, examine func()) {
	around := c.path
	c.path += "." + field
	examine()
	c.path = around
}

// item is the element of a list.
func item(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

func (c *checker) refuse(format string, args ...any) {
	c.messages = append(c.messages, Message{Path: c.path, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) warn(format string, args ...any) {
	c.messages = append(c.messages, Message{Warning: true, Path: c.path, Text: fmt.Sprintf(format, args...)})
}

// refuseIf adds a text if a condition holds.
func (c *checker) refuseIf(wrong bool, text string) {
	if wrong {
		c.refuse("%s", text)
	}
}

// duration is one of at least a millisecond, if there is one.
func (c *checker) duration(d *durationpb.Duration) {
	switch {
	case d == nil:
	case d.AsDuration() < time.Millisecond:
		c.refuse("duration must be greater than 1ms")
	case d.AsDuration()%time.Millisecond != 0:
		c.refuse("only durations to ms precision are supported")
	}
}

// percent is a whole number of a hundred.
func (c *checker) percent(n int32) {
	if n < 0 || n > 100 {
		c.refuse("percentage %d is not in range 0..100", n)
	}
}

func (c *checker) percentage(p *networking.Percent) {
	if v := p.GetValue(); v < 0 || v > 100 || v > 0 && v < 0.0001 {
		c.refuse("percentage %v is neither 0.0, nor in range [0.0001, 100.0]", v)
	}
}

func (c *checker) port(number uint32) {
	if number < 1 || number > 65535 {
		c.refuse("port number %d must be in the range 1..65535", number)
	}
}

// domain is the name of a host, which may begin with a wildcard.
func (c *checker) domain(name string) {
	if err := wildcardDomain(name); err != nil {
		c.refuse("%s", err)
	}
}

// label is a part of a name of a host.
var label = lazyregexp.New(`^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$`)

// maxDomain and maxLabel bound names of hosts, in bytes.
const maxDomain, maxLabel = 255, 63

func wildcardDomain(name string) error {
	switch {
	case name == "":
		return errors.New("empty domain name not allowed")
	case len(name) > maxDomain:
		return fmt.Errorf("domain name %q too long (max %d)", name, maxDomain)
	case name == "*":
		return nil
	}
	for _, part := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(name, "*."), "."), ".") {
		if len(part) > maxLabel || !label().MatchString(part) {
			return fmt.Errorf("domain name %q invalid (label %q invalid)", name, part)
		}
	}
	return nil
}

// maxRegex bounds regular expressions, in bytes.
const maxRegex = 1024

// match is the condition on a property of a request.
func (c *checker) match(m *networking.StringMatch, where string) {
	if p, ok := m.GetMatchType().(*networking.StringMatch_Prefix); ok && p.Prefix == "" {
		c.refuse("%q: prefix string match should not be empty", where)
	}
	c.regex(m, where)
}

func (c *checker) regex(m *networking.StringMatch, where string) {
	r, ok := m.GetMatchType().(*networking.StringMatch_Regex)
	switch {
	case !ok:
		return
	case r.Regex == "":
		c.refuse("%q: regex string match should not be empty", where)
		return
	case len(r.Regex) > maxRegex:
		c.refuse("%q: regex is too large, max length allowed is %d", where, maxRegex)
		return
	}
	if _, err := regexp.Compile(r.Regex); err != nil {
		c.refuse("%q: %s; Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)", where, err)
	}
}
