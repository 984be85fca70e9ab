package db_test

import (
	"testing"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// What every session's life writes is not spelt anew each time: a statement that goes by GORM takes
// several times what is allowed here.
func TestAllocationsOfWrites(t *testing.T) {
	w := dbtest.NewWorld(t, openSQLite(t))
	kept := w.Session(dbtest.Now, nil)
	w.Insert(kept)
	for name, c := range map[string]struct {
		most  float64
		write func(tx *db.Tx) error
	}{
		"InsertSession": {60, func(tx *db.Tx) error { return tx.InsertSession(w.Session(dbtest.Now, nil)) }},
		"InsertEvent": {42, func(tx *db.Tx) error {
			kept.Revision++
			return tx.InsertEvent(&models.SessionEvent{
				AccountID: kept.AccountID, SessionID: kept.ID, Revision: kept.Revision, ID: models.NewID(models.EventPrefix, dbtest.Now),
				Type: models.EventParticipantJoined, At: dbtest.Now, Actor: models.ActorParticipant,
			})
		}},
		"Swap": {210, func(tx *db.Tx) error {
			row, err := tx.Session(w.Scope(), kept.ID)
			if err != nil {
				return err
			}
			row.Room.Tries++
			return tx.Swap(row)
		}},
		"LockAccount": {56, func(tx *db.Tx) error { _, err := tx.LockAccount(w.Account.ID); return err }},
		"CountLive":   {52, func(tx *db.Tx) error { _, err := tx.CountLive(w.Account.ID, dbtest.Now); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			got := testing.AllocsPerRun(50, func() { w.Do(c.write) })
			t.Logf("%.0f", got)
			if got > c.most {
				t.Errorf("%.0f allocations, more than %.0f", got, c.most)
			}
		})
	}
}

// BenchmarkLife is the statements of a create's two transactions.
func BenchmarkLife(b *testing.B) {
	store, err := db.Open(b.Context(), "sqlite:"+b.TempDir()+"/x.db", db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	w := dbtest.NewWorld(b, store)
	b.ReportAllocs()
	for b.Loop() {
		s := w.Session(dbtest.Now, nil)
		w.Do(func(tx *db.Tx) error {
			if _, err := tx.LockAccount(w.Account.ID); err != nil {
				return err
			}
			return tx.InsertSession(s)
		})
		w.Do(func(tx *db.Tx) error {
			row, err := tx.Session(w.Scope(), s.ID)
			if err != nil {
				return err
			}
			row.Room.Tries++
			return tx.Swap(row)
		})
	}
}
