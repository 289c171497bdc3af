package chassis

import (
	"context"
	"fmt"

	"google.golang.org/grpc/metadata"
)

// IdempotencyKey is the metadata key that marks calls as repetitions of each other.
const IdempotencyKey = "idempotency-key"

// maxIdempotencyKey is how long a key may be, in bytes: keys are remembered.
const maxIdempotencyKey = 255

// IdempotencyKeyOf returns the key of an incoming call, "" if it has none. Its error is for the caller.
func IdempotencyKeyOf(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, IdempotencyKey)
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", fmt.Errorf("%s is given %d times", IdempotencyKey, len(values))
	case len(values[0]) > maxIdempotencyKey:
		return "", fmt.Errorf("%s is longer than %d bytes", IdempotencyKey, maxIdempotencyKey)
	}
	return values[0], nil
}
