package embedded

import (
	"os"
	"path/filepath"

	"github.com/shopctl/shopctl/pkg/chassis/durable"
)

// databaseName is the file of the carts in the data directory.
const databaseName = "carts.db"

// carts are the tables of the database. Carts have one server.
func carts() durable.Tables {
	return durable.Tables{
		Content: "carts", Version: 1, Exclusive: true,
		Schema: []string{schema, "SELECT id, key, kind, value, expires FROM entry LIMIT 0", "SELECT entry, field, value FROM field LIMIT 0"},
	}
}

// databasePath returns where the database of a data directory is, which it creates; empty: in memory.
func databasePath(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(dir, databaseName), nil
}
