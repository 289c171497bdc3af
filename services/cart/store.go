package cart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.opentelemetry.io/otel/trace"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

const (
	// keepFor is how long a cart is kept after its last change.
	keepFor = 30 * 24 * time.Hour
	// storeTimeout bounds one command: a store that hangs is a store that is lost.
	storeTimeout = time.Second
	// poolSize bounds the connections; a call waits at most storeTimeout for one.
	poolSize = 64
	// sincePrefix begins the fields with the time when a product was added. No product id contains a colon.
	sincePrefix = "since:"
)

// store keeps carts in Redis.
//
// A cart is one hash, "cart:<user>". A product is two of its fields: "<product>" holds the quantity,
// "since:<product>" the time when the product was first added, in nanoseconds since 1970, which gives the order. Both
// are written by commands that do not read first (HINCRBY, HSET, HSETNX, HDEL), in one transaction: concurrent changes of
// a cart lose nothing, and one round trip is enough.
type store struct {
	client *redis.Client
	now    func() time.Time
	last   atomic.Int64 // the newest time given to a product by this process
}

// fullError is returned when a quantity would exceed the maximum.
type fullError struct{ held int64 }

func (e *fullError) Error() string { return fmt.Sprintf("cart already contains %d", e.held) }

// newStore returns a client that connects when it is first used.
func newStore(addr, password string, dial func(context.Context) (net.Conn, error), traces trace.TracerProvider, now func() time.Time) (*store, error) {
	client := redis.NewClient(&redis.Options{
		Addr:                     addr,
		Password:                 password,
		Dialer:                   dialOrBreak(dial),
		Protocol:                 2,
		MaxRetries:               -1, // HINCRBY must not be repeated blindly; what may be, is by again
		ContextTimeoutEnabled:    true,
		DialTimeout:              storeTimeout,
		ReadTimeout:              storeTimeout,
		WriteTimeout:             storeTimeout,
		PoolTimeout:              storeTimeout,
		PoolSize:                 poolSize,
		PipelinePoolSize:         -1,
		ReadBufferSize:           4 << 10,
		WriteBufferSize:          4 << 10,
		ConnMaxIdleTime:          time.Minute,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	// Commands contain user ids, which must not be in a trace.
	err := redisotel.InstrumentTracing(client, redisotel.WithTracerProvider(traces), redisotel.WithDBStatement(false),
		redisotel.WithCallerEnabled(false), redisotel.WithDialFilter(true), redisotel.WithCommandFilter(isHousekeeping))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("trace cart store: %w", err), client.Close())
	}
	return &store{client: client, now: now}, nil
}

// isHousekeeping reports whether no call caused a command; such commands have no spans.
func isHousekeeping(cmd redis.Cmder) bool {
	return cmd.Name() == "ping" || cmd.Name() == "hello" || cmd.Name() == "auth"
}

func (s *store) close() error { return s.client.Close() }

// ping reports whether the store responds.
func (s *store) ping(ctx context.Context) error { return s.client.Ping(ctx).Err() }

func cartKey(user string) string { return "cart:" + user }

// add adds a quantity of a product to a cart. It returns a *fullError if that would exceed maxQuantity.
func (s *store) add(ctx context.Context, user, product string, quantity int64) error {
	key, now := cartKey(user), s.tick()
	p := s.client.TxPipeline()
	total := p.HIncrBy(ctx, key, product, quantity)
	p.HSetNX(ctx, key, sincePrefix+product, now)
	p.Expire(ctx, key, keepFor)
	if _, err := p.Exec(ctx); err != nil {
		return err
	}
	if total.Val() <= maxQuantity {
		return nil
	}
	if err := s.undo(ctx, key, product, quantity, now); err != nil {
		return err
	}
	return &fullError{held: total.Val() - quantity}
}

// set sets the quantity of a product in a cart, which keeps its place there; 0 removes it. It may be repeated.
func (s *store) set(ctx context.Context, user, product string, quantity int64) error {
	key, now := cartKey(user), s.tick()
	return again(ctx, func() error {
		p := s.client.TxPipeline()
		if quantity == 0 {
			p.HDel(ctx, key, product, sincePrefix+product)
		} else {
			p.HSet(ctx, key, product, quantity)
			p.HSetNX(ctx, key, sincePrefix+product, now)
		}
		p.Expire(ctx, key, keepFor)
		_, err := p.Exec(ctx)
		return err
	})
}

// undo reverts an increment beyond the maximum, unless the product was removed since: what was added after the time of
// the increment is another line. It is rare, so it may read first and retry after a conflict.
func (s *store) undo(ctx context.Context, key, product string, quantity, incremented int64) error {
	for {
		err := s.client.Watch(ctx, func(tx *redis.Tx) error {
			since, err := tx.HGet(ctx, key, sincePrefix+product).Int64()
			if errors.Is(err, redis.Nil) || err == nil && since > incremented {
				return nil
			}
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.HIncrBy(ctx, key, product, -quantity)
				return nil
			})
			return err
		}, key)
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
}

// tick returns a time later than all before, so that products keep the order in which this process added them, however
// coarse or unsteady the clock is.
func (s *store) tick() int64 {
	for {
		last := s.last.Load()
		next := max(s.now().UnixNano(), last+1)
		if s.last.CompareAndSwap(last, next) {
			return next
		}
	}
}

// items returns the lines of a cart in the order in which they were added.
func (s *store) items(ctx context.Context, user string) ([]*hipstershop.CartItem, error) {
	var fields []string
	err := again(ctx, func() error {
		// Not HGetAll, whose map would only cost time.
		cmd := redis.NewStringSliceCmd(ctx, "hgetall", cartKey(user))
		_ = s.client.Process(ctx, cmd) // the command keeps the error
		fields = cmd.Val()
		return cmd.Err()
	})
	if err != nil || len(fields) == 0 {
		return nil, err
	}
	return parseCart(fields)
}

// line is one product of a cart.
type line struct {
	item  *hipstershop.CartItem
	since int64
}

// parseCart parses the fields of a cart: name, value, name, value. A line whose quantity is not valid is skipped, or cut
// to the maximum: an increment that is about to be undone may be visible for a moment.
func parseCart(fields []string) ([]*hipstershop.CartItem, error) {
	lines := make([]line, 0, len(fields)/4+1)
	var since map[string]int64
	for i := 0; i+1 < len(fields); i += 2 {
		name, text := fields[i], fields[i+1]
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, corruptError("field " + name + " is not a number")
		}
		if product, ok := strings.CutPrefix(name, sincePrefix); ok {
			if since == nil {
				since = make(map[string]int64, len(fields)/4+1)
			}
			since[product] = n
		} else if n > 0 {
			lines = append(lines, line{item: &hipstershop.CartItem{ProductId: name, Quantity: int32(min(n, maxQuantity))}})
		}
	}
	for i := range lines {
		lines[i].since = since[lines[i].item.ProductId]
	}
	slices.SortFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.item.ProductId, b.item.ProductId))
	})
	items := make([]*hipstershop.CartItem, len(lines))
	for i, l := range lines {
		items[i] = l.item
	}
	return items, nil
}

// empty removes a cart.
func (s *store) empty(ctx context.Context, user string) error {
	return again(ctx, func() error { return s.client.Del(ctx, cartKey(user)).Err() })
}

// again runs a command that is safe to repeat, and once more if its connection broke: a pooled connection may have died
// with the store's previous process.
func again(ctx context.Context, command func() error) error {
	err := command()
	if isBroken(err) && ctx.Err() == nil {
		err = command()
	}
	return err
}

func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// corruptError is returned for a key that is not a cart of this service.
type corruptError string

func (e corruptError) Error() string { return string(e) }

// isCorrupt reports whether the store works but the key is not a cart.
func isCorrupt(err error) bool {
	var corrupt corruptError
	return errors.As(err, &corrupt) || redis.HasErrorPrefix(err, "WRONGTYPE")
}
