package shipping

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// listMost is how many parcels a list has at most.
const listMost = 10_000

// unkeyed begins the key of a parcel that was sent without one; its tracking id follows.
const unkeyed = "without a key: "

// keepParcels is for how many parcels the key is remembered, some 200 bytes each.
const keepParcels = 200_000

var (
	errKeyReused = errors.New(chassis.IdempotencyKey + " was used before, for another parcel")
	errUnknown   = errors.New("no such parcel")
	errCanceled  = errors.New(chassis.IdempotencyKey + " was canceled, it sends no parcel any more")
)

// schema has one row for each key. canceled is when its parcel was canceled, in Unix milliseconds, NULL while it stands; a
// key that was canceled before it sent a parcel has no tracking id.
const schema = "CREATE TABLE IF NOT EXISTS parcel (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, request BLOB NOT NULL, tracking_id TEXT NOT NULL, canceled INTEGER)"

// parcels remembers which key has sent which parcel, for all replicas.
type parcels struct {
	store *durable.Store
	now   func() time.Time
}

// openParcels opens the record in a directory; one without a directory is in memory.
func openParcels(dir string, now func() time.Time, log *slog.Logger) (*parcels, error) {
	store, err := durable.Open(durable.Config{
		Dir: dir, Name: "parcels", Now: now, Log: log,
		Tables: durable.Tables{
			Content: "parcels", Version: 2, Schema: []string{schema, "SELECT seq, key, request, tracking_id, canceled FROM parcel LIMIT 0"},
			Upgrades: [][]string{{"ALTER TABLE parcel ADD COLUMN canceled INTEGER"}},
		},
	})
	if err != nil {
		return nil, err
	}
	return &parcels{store: store, now: now}, nil
}

func (p *parcels) check(ctx context.Context) error { return p.store.Check(ctx) }
func (p *parcels) close(context.Context) error     { return p.store.Close() }

// send records that a key sends a parcel under an id. If the key has sent one before, it returns the id of that.
func (p *parcels) send(key string, in *hipstershop.ShipOrderRequest, id string) (trackingID string, first bool, err error) {
	request, err := fingerprintOf(in)
	if err != nil {
		return "", false, err
	}
	same, canceled := true, false
	err = p.store.Each(func(tx durable.Tx) error {
		var seq int64
		err := tx.Query(func(row []driver.Value) error {
			seq, first, trackingID = row[0].(int64), true, id
			return nil
		}, "INSERT INTO parcel (key, request, tracking_id) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING seq", key, request, id)
		switch {
		case err != nil:
			return err
		case !first:
			return tx.Query(func(row []driver.Value) error {
				trackingID, same, canceled = row[0].(string), string(row[1].([]byte)) == string(request), row[2] != nil
				return nil
			}, "SELECT tracking_id, request, canceled FROM parcel WHERE key = ?", key)
		case seq%1000 == 0:
			_, err = tx.Exec("DELETE FROM parcel WHERE seq <= ?", seq-keepParcels)
		}
		return err
	})
	switch {
	case err == nil && canceled:
		err = errCanceled
	case err == nil && !same:
		err = errKeyReused
	}
	return trackingID, first, err
}

// cancel bars a key, and cancels the parcel that it has sent. It returns that parcel's id, empty if there is none, and
// whether this call canceled it.
func (p *parcels) cancel(key string) (trackingID string, first bool, err error) {
	err = p.store.Each(func(tx durable.Tx) error {
		err := tx.Query(func(row []driver.Value) error {
			trackingID, first = row[0].(string), true
			return nil
		}, `INSERT INTO parcel (key, request, tracking_id, canceled) VALUES (?1, x'', '', ?2)
			ON CONFLICT (key) DO UPDATE SET canceled = ?2 WHERE canceled IS NULL RETURNING tracking_id`, key, p.now().UnixMilli())
		if err != nil || first {
			return err
		}
		return tx.Query(func(row []driver.Value) error {
			trackingID = row[0].(string)
			return nil
		}, "SELECT tracking_id FROM parcel WHERE key = ?", key)
	})
	return trackingID, first, err
}

// list returns parcels after the one with an id (empty: from the oldest), at most a number.
func (p *parcels) list(after string, most int) (all []*shopv1.Parcel, err error) {
	err = p.store.Each(func(tx durable.Tx) error {
		last := int64(0)
		if after != "" {
			err := tx.Query(func(row []driver.Value) error { last = row[0].(int64); return nil }, "SELECT seq FROM parcel WHERE tracking_id = ? ORDER BY seq DESC LIMIT 1", after)
			if err != nil {
				return err
			}
			if last == 0 {
				return errUnknown
			}
		}
		return tx.Query(func(row []driver.Value) error {
			key := row[0].(string)
			if strings.HasPrefix(key, unkeyed) {
				key = ""
			}
			all = append(all, &shopv1.Parcel{
				IdempotencyKey: key, TrackingId: row[1].(string), Canceled: row[2] != nil, RequestDigest: bytes.Clone(row[3].([]byte)),
			})
			return nil
		}, "SELECT key, tracking_id, canceled, request FROM parcel WHERE seq > ? AND tracking_id <> '' ORDER BY seq LIMIT ?", last, int64(most))
	})
	return all, err
}

func fingerprintOf(in *hipstershop.ShipOrderRequest) ([]byte, error) {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(in)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(wire)
	return sum[:16], nil
}
