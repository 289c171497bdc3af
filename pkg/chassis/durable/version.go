package durable

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	sqlite3 "modernc.org/sqlite/lib"
)

// newerError reports that a database was written by a newer shopctl, perhaps one that has it open now.
type newerError struct{ version, known int64 }

func (e *newerError) Error() string {
	return fmt.Sprintf("its format %d was written by a newer shopctl; this one reads up to %d", e.version, e.known)
}

// NextStep is what to do about a database that cannot be opened because of err.
func NextStep(err error) string {
	var newer *newerError
	if errors.As(err, &newer) {
		return "use that shopctl, or move the file away"
	}
	return "it must be a file that this user can write: correct its permissions, or move it away"
}

// migrate creates the tables and records their version. A database without a version has none, or those of a process
// that was killed before it recorded it, or those of another program.
func (t Tables) migrate(c *Conn) error {
	version, err := c.number("PRAGMA user_version")
	switch {
	case err != nil:
		return err
	case version > t.Version:
		return &newerError{version, t.Version}
	case version == t.Version:
		return t.create(c)
	case version > 0 && version <= int64(len(t.Upgrades)):
		return t.upgrade(c, version)
	case version != 0:
		return &unreadableError{fmt.Errorf("its format %d is unknown", version)}
	}
	tables, err := c.number("SELECT count(*) FROM sqlite_master")
	if err != nil {
		return err
	}
	if err := t.create(c); err != nil {
		return err
	}
	if tables > 0 {
		if err := t.compare(c); err != nil {
			return err
		}
	}
	_, err = c.Exec(fmt.Sprint("PRAGMA user_version = ", t.Version))
	return err
}

// upgrade brings the tables to the newest version, or leaves them as they are.
func (t Tables) upgrade(c *Conn, version int64) error {
	return c.transaction(func() error {
		for _, statements := range t.Upgrades[version-1:] {
			for _, statement := range statements {
				if _, err := c.Exec(statement); err != nil {
					return markUnreadable(err, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
				}
			}
		}
		if err := t.create(c); err != nil {
			return err
		}
		_, err := c.Exec(fmt.Sprint("PRAGMA user_version = ", t.Version))
		return err
	})
}

// number returns the first column of a query's last row.
func (c *Conn) number(text string) (n int64, err error) {
	err = c.Query(func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	}, text)
	return n, err
}

// compare reports whether the tables are built as the schema builds them: one with another constraint can be read, but
// not written.
func (t Tables) compare(c *Conn) (err error) {
	model, err := Connect("", false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	if err := t.create(model); err != nil {
		return err
	}
	want, err := model.layout()
	if err != nil {
		return err
	}
	got, err := c.layout()
	if err != nil {
		return err
	}
	for table, columns := range want {
		if !slices.Equal(got[table], columns) {
			return &unreadableError{fmt.Errorf("the table %s is not built as expected", table)}
		}
	}
	return nil
}

// layout returns the columns and unique indexes of each table.
func (c *Conn) layout() (map[string][]string, error) {
	all := map[string][]string{}
	err := c.Query(func(row []driver.Value) error {
		table := fmt.Sprint(row[0])
		all[table] = append(all[table], fmt.Sprint(row[1:]))
		return nil
	}, `SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'
		UNION ALL SELECT t.name, c.name, 'unique', c.seqno, '', '' FROM sqlite_master AS t, pragma_index_list(t.name) AS i, pragma_index_info(i.name) AS c
			WHERE t.type = 'table' AND i."unique" ORDER BY 1, 2, 3, 4`)
	return all, err
}
