package shipping

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/durable"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// keepParcels is for how many parcels the key is remembered, some 200 bytes each.
const keepParcels = 200_000

var errKeyReused = errors.New(chassis.IdempotencyKey + " was used before, for another parcel")

const schema = "CREATE TABLE IF NOT EXISTS parcel (seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, request BLOB NOT NULL, tracking_id TEXT NOT NULL)"

// parcels remembers which key has sent which parcel, for all replicas.
type parcels struct{ store *durable.Store }

// openParcels opens the record in a directory; one without a directory is in memory.
func openParcels(dir string, now func() time.Time, log *slog.Logger) (*parcels, error) {
	store, err := durable.Open(durable.Config{
		Dir: dir, Name: "parcels", Now: now, Log: log,
		Tables: durable.Tables{Content: "parcels", Version: 1, Schema: []string{schema, "SELECT seq, key, request, tracking_id FROM parcel LIMIT 0"}},
	})
	if err != nil {
		return nil, err
	}
	return &parcels{store}, nil
}

func (p *parcels) check(ctx context.Context) error { return p.store.Check(ctx) }
func (p *parcels) close(context.Context) error     { return p.store.Close() }

// send records that a key sends a parcel under an id. If the key has sent one before, it returns the id of that.
func (p *parcels) send(key string, in *hipstershop.ShipOrderRequest, id string) (trackingID string, first bool, err error) {
	request, err := fingerprintOf(in)
	if err != nil {
		return "", false, err
	}
	same := true
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
				trackingID, same = row[0].(string), string(row[1].([]byte)) == string(request)
				return nil
			}, "SELECT tracking_id, request FROM parcel WHERE key = ?", key)
		case seq%1000 == 0:
			_, err = tx.Exec("DELETE FROM parcel WHERE seq <= ?", seq-keepParcels)
		}
		return err
	})
	if err == nil && !same {
		err = errKeyReused
	}
	return trackingID, first, err
}

func fingerprintOf(in *hipstershop.ShipOrderRequest) ([]byte, error) {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(in)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(wire)
	return sum[:16], nil
}
