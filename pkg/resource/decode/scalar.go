package decode

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// maxQuantity bounds the length of a quantity, in bytes.
const maxQuantity = 64

// A reader of scalars returns the JSON value of a node, or what is wrong with it.
type readScalar func(n *yaml.Node) (v any, complaint string)

// scalarReader returns how values of a type are read; nil for types that are not scalars.
func scalarReader(t reflect.Type) readScalar {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return quantity
	case reflect.TypeFor[intstr.IntOrString]():
		return intOrString
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		return timestamp
	case reflect.TypeFor[[]byte]():
		return base64Text
	}
	switch t.Kind() {
	case reflect.String:
		if words := enum(t); words != nil {
			return func(n *yaml.Node) (any, string) { return oneOf(n, words) }
		}
		return plainText
	case reflect.Bool:
		return boolean
	case reflect.Int, reflect.Int32, reflect.Int64:
		return func(n *yaml.Node) (any, string) { return integer(n, t.Bits()) }
	}
	return nil
}

// isOpaque reports whether the content of a type is not read here.
func isOpaque(t reflect.Type) bool {
	return t == reflect.TypeFor[metav1.FieldsV1]() || t == reflect.TypeFor[istio.Status]()
}

// describe names a node for people: "a list", "the number 3".
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	case yaml.ScalarNode:
		switch tag := tagOf(n); tag {
		case "!!int", "!!float":
			return "the number " + shorten(n.Value)
		case "!!bool":
			return "the boolean " + n.Value
		case "!!null":
			return "nothing"
		case "!!str", "!!timestamp":
			return "the string " + strconv.Quote(shorten(n.Value))
		default:
			return "a value with the tag " + escaped(shorten(tag))
		}
	}
	return "nothing"
}

// escaped is a text as it is, or quoted if it has characters that cannot be printed.
func escaped(s string) string {
	if quoted := strconv.Quote(s); quoted[1:len(quoted)-1] != s {
		return quoted
	}
	return s
}

func shorten(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}

// tagOf is a node's tag as YAML 1.1 has it.
func tagOf(n *yaml.Node) string {
	tag := n.ShortTag()
	switch {
	case tag == "!!str" && n.Style == 0 && oldBoolean(n.Value):
		return "!!bool"
	case tag == "!!merge": // means something only as a key
		return "!!str"
	}
	return tag
}

// oldBoolean reports whether a word is a boolean in YAML 1.1 and a string in YAML 1.2.
func oldBoolean(s string) bool {
	_, ok := truth(s)
	return ok && !slices.Contains([]string{"true", "True", "TRUE", "false", "False", "FALSE"}, s)
}

func truth(s string) (value, ok bool) {
	switch s {
	case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

// badKey reports what is wrong with the key of a map of strings.
func badKey(n *yaml.Node) string {
	switch tag := tagOf(n); tag {
	case "!!str", "!!timestamp":
		return ""
	case "!!int":
		if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil && strconv.FormatInt(v, 10) == n.Value {
			return ""
		}
	}
	return "expected a string as key, got " + describe(n) + quoteHint(n)
}

// quoteHint suggests how to quote a string that YAML reads as another type.
func quoteHint(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || len(n.Value) > 40 {
		return ""
	}
	switch tagOf(n) {
	case "!!int", "!!float":
		return "; write " + strconv.Quote(n.Value)
	case "!!bool":
		if oldBoolean(n.Value) {
			return " (in YAML 1.1, which Kubernetes reads); write " + strconv.Quote(n.Value)
		}
		return "; write " + strconv.Quote(n.Value)
	}
	return ""
}

func plainText(n *yaml.Node) (any, string) {
	if n.Kind == yaml.ScalarNode {
		switch tagOf(n) {
		case "!!str", "!!timestamp":
			return n.Value, ""
		case "!!binary": // YAML's own base64, which is decoded before anything else
			if data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), "")); err == nil && utf8.Valid(data) {
				return string(data), ""
			}
		}
	}
	return nil, "expected a string, got " + describe(n) + quoteHint(n)
}

func oneOf(n *yaml.Node, words []string) (any, string) {
	v, complaint := plainText(n)
	if complaint != "" {
		return nil, complaint
	}
	if s, _ := v.(string); s != "" && !slices.Contains(words, s) {
		return nil, fmt.Sprintf("%q is not one of %s%s", shorten(s), strings.Join(words, ", "), suggest.Phrase(s, words))
	}
	return v, ""
}

func boolean(n *yaml.Node) (any, string) {
	if n.Kind == yaml.ScalarNode && tagOf(n) == "!!bool" {
		if v, ok := truth(n.Value); ok {
			return v, ""
		}
	}
	complaint := "expected true or false, got " + describe(n)
	if _, ok := truth(n.Value); ok {
		complaint += "; remove the quotes"
	}
	return nil, complaint
}

func integer(n *yaml.Node, bits int) (any, string) {
	if n.Kind != yaml.ScalarNode {
		return nil, "expected a whole number, got " + describe(n)
	}
	switch tagOf(n) {
	case "!!int":
		v, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, bits)
		if err != nil {
			return nil, fmt.Sprintf("%s is out of range for a %d-bit number", shorten(n.Value), bits)
		}
		return v, ""
	case "!!float":
		v, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
		if limit := math.Ldexp(1, min(bits-1, 53)); err == nil && v == math.Trunc(v) && v >= -limit && v < limit {
			return int64(v), ""
		}
	}
	complaint := "expected a whole number, got " + describe(n)
	if _, err := strconv.ParseInt(n.Value, 10, bits); err == nil {
		complaint += "; remove the quotes"
	}
	return nil, complaint
}

func intOrString(n *yaml.Node) (any, string) {
	if n.Kind == yaml.ScalarNode {
		switch tagOf(n) {
		case "!!int":
			return integer(n, 32)
		case "!!str":
			return n.Value, ""
		}
	}
	return nil, "expected a whole number or a string, got " + describe(n)
}

func quantity(n *yaml.Node) (any, string) {
	if n.Kind != yaml.ScalarNode || !slices.Contains([]string{"!!str", "!!int", "!!float"}, tagOf(n)) {
		return nil, "expected a quantity such as 100m, 0.5 or 128Mi, got " + describe(n)
	}
	if len(n.Value) <= maxQuantity {
		if q, err := resource.ParseQuantity(strings.TrimSpace(n.Value)); err == nil {
			return q.String(), ""
		}
	}
	return nil, fmt.Sprintf("%q is not a quantity such as 100m, 0.5 or 128Mi", shorten(n.Value))
}

func timestamp(n *yaml.Node) (any, string) {
	if n.Kind == yaml.ScalarNode {
		if t, err := time.Parse(time.RFC3339Nano, n.Value); err == nil {
			return t.UTC().Format(time.RFC3339Nano), ""
		}
	}
	return nil, "expected a time such as 2006-01-02T15:04:05Z, got " + describe(n)
}

func base64Text(n *yaml.Node) (any, string) {
	v, complaint := plainText(n)
	if complaint != "" {
		return nil, complaint
	}
	s, _ := v.(string)
	if _, err := base64.StdEncoding.DecodeString(s); err != nil {
		return nil, "not base64; plain text goes under stringData of a Secret, or data of a ConfigMap"
	}
	return s, ""
}
