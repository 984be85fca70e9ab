package db_test

import (
	"errors"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// TestCloseWaits closes a store under a write, which is finished first; who comes later is told.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]func(*testing.T) *db.Store{"SQLite": openSQLite, "PostgreSQL": openPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := fresh(t)
			w := dbtest.NewWorld(t, store)
			in, goOn := make(chan struct{}), make(chan struct{})
			written, closed := make(chan error, 1), make(chan error, 1)
			go func() {
				written <- store.Write(t.Context(), func(tx *db.Tx) error {
					if _, err := tx.Account(w.Account.ID); err != nil {
						return err
					}
					close(in)
					<-goOn
					return tx.InsertSession(w.Session(dbtest.Now, nil))
				})
			}()
			<-in
			go func() { closed <- store.Close() }()
			select {
			case err := <-closed:
				t.Errorf("it did not wait: %v", err)
				closed <- err
			case <-time.After(100 * time.Millisecond):
			}
			close(goOn)
			if err := errors.Join(<-written, <-closed); err != nil {
				t.Error(err)
			}
			if err := store.Write(t.Context(), func(*db.Tx) error { return nil }); models.KindOf(err) != models.KindUnavailable {
				t.Errorf("who writes later is told %v", err)
			}
			for what, read := range map[string]func() error{
				"finds": func() error { _, err := store.Account(t.Context(), w.Account.ID); return err },
				"reads": func() error { _, err := store.Session(t.Context(), w.Scope(), "ses_x", dbtest.Now); return err },
				"lists": func() error {
					_, err := store.APIKeys(t.Context(), models.APIKeyQuery{AccountID: w.Account.ID, Page: models.Page{Size: 1}})
					return err
				},
				"pings": func() error { return store.Ping(t.Context()) },
			} {
				if err := read(); models.KindOf(err) != models.KindUnavailable {
					t.Errorf("who %s later is told %v", what, err)
				}
			}
		})
	}
}
