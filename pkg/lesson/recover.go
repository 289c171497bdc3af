package lesson

import (
	"context"
	"errors"
)

// Recover undoes what a session that was killed left on a shop. Of the dependencies it needs the shop and
// any workspace. While a session is open there it does nothing: that session has begun by recovering.
func Recover(ctx context.Context, d Deps) error {
	book, err := openJournal(ctx, d)
	if errors.Is(err, ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	s := &Session{deps: d, book: book}
	return errors.Join(s.recover(ctx), book.close())
}
