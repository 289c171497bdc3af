// Package delivery changes a service from one release to another, a share of its calls after the other, and judges each share
// by comparing both releases over the same calls.
//
// A canary is kept as an annotation of the VirtualService whose weights it changes, so that it survives the daemon, is seen
// with "get -o yaml" and goes with the object. Check and Judge decide about counts, Canary.Next is the machine of phases and
// steps; both know neither time nor objects. Runner drives them.
//
// A Switcher gives another release all calls at once, by the selector of a Service.
package delivery

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Criterion is one bound of a check. A call is bad if it breaks the bound: it failed, or it succeeded and took longer than Limit.
type Criterion struct {
	// Share is which share of the calls may be bad, above 0 and below 1: 0.01 for "error rate < 1%", and for p99.
	Share float64
	// Limit is the bound of a quantile; 0 for a criterion on failures.
	Limit time.Duration
	// Text is the criterion as it was written, with single spaces.
	Text string
}

// Latency reports whether the criterion is one on how long calls take.
func (c Criterion) Latency() bool { return c.Limit > 0 }

// Check is all that a release has to keep.
type Check []Criterion

// DefaultCheck is what is asked of a release if nothing else is.
const DefaultCheck = "error rate < 1%, p99 < 200ms"

var (
	errorForm    = regexp.MustCompile(`^error rate *< *([0-9.]+) *%$`)
	quantileForm = regexp.MustCompile(`^p([0-9]{2}(?:\.[0-9])?) *< *([0-9.]+(?:us|ms|s))$`)
)

// CheckError is what is wrong with the text of a check.
type CheckError struct{ Text, Want string }

func (e *CheckError) Error() string { return fmt.Sprintf("read check %q: want %s", e.Text, e.Want) }

// ParseCheck reads criteria with commas between them: "error rate < 1%, p99 < 200ms". The error is a *CheckError.
func ParseCheck(text string) (Check, error) {
	var check Check
	for part := range strings.SplitSeq(text, ",") {
		part = strings.Join(strings.Fields(part), " ")
		c, err := parseCriterion(part)
		if err != nil {
			return nil, err
		}
		for _, other := range check {
			if other.Share == c.Share && other.Latency() == c.Latency() {
				return nil, &CheckError{part, "each measure once"}
			}
		}
		check = append(check, c)
	}
	return check, nil
}

func parseCriterion(part string) (Criterion, error) {
	if m := errorForm.FindStringSubmatch(part); m != nil {
		percent, err := strconv.ParseFloat(m[1], 64)
		if err != nil || percent < 0.01 || percent > 99 {
			return Criterion{}, &CheckError{part, "an error rate of 0.01% to 99%"}
		}
		return Criterion{Share: percent / 100, Text: "error rate < " + m[1] + "%"}, nil
	}
	if m := quantileForm.FindStringSubmatch(part); m != nil {
		percent, err := strconv.ParseFloat(m[1], 64)
		limit, limitErr := time.ParseDuration(m[2])
		if err != nil || limitErr != nil || percent < 1 || limit <= 0 || limit > time.Hour {
			return Criterion{}, &CheckError{part, "a quantile from p01 to p99.9, and a time up to an hour"}
		}
		return Criterion{Share: (1000 - 10*percent) / 1000, Limit: limit, Text: "p" + m[1] + " < " + m[2]}, nil
	}
	return Criterion{}, &CheckError{part, `criteria such as "error rate < 1%" or "p99 < 200ms", with commas between them`}
}

// String is the check as it can be read again.
func (c Check) String() string {
	words := make([]string, len(c))
	for i, one := range c {
		words[i] = one.Text
	}
	return strings.Join(words, ", ")
}
