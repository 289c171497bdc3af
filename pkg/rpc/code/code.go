// Package code spells gRPC's status codes as its documents do: "NOT_FOUND" where Go says NotFound.
package code

import (
	"fmt"

	"google.golang.org/grpc/codes"
)

// names are in the order of the codes' numbers
// (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
var names = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
	"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// Names returns the names of all codes in the order of their numbers, OK first.
func Names() []string { return append([]string(nil), names[:]...) }

// Name returns a code's name; "CODE(42)" for one that gRPC does not define.
func Name(c codes.Code) string {
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("CODE(%d)", uint32(c))
}

// Parse finds a code by its exact name.
func Parse(name string) (c codes.Code, ok bool) {
	for i, n := range names {
		if n == name {
			return codes.Code(i), true
		}
	}
	return codes.Unknown, false
}
