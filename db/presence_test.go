package db_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

func TestPresence(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { t.Helper(); return "sqlite:" + t.TempDir() + "/x.db" },
		"PostgreSQL": func(t *testing.T) string { t.Helper(); return dbtest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, dsn(t))
			t.Run("Participants", func(t *testing.T) { t.Parallel(); testParticipants(t, store) })
			t.Run("EmptyRooms", func(t *testing.T) { t.Parallel(); testEmptyRooms(t, store) })
			t.Run("RoomsInHand", func(t *testing.T) { t.Parallel(); testRoomsInHand(t, store) })
			t.Run("Turns", func(t *testing.T) { t.Parallel(); testTurns(t, store) })
		})
	}
}

func testParticipants(t *testing.T, store *db.Store) {
	t.Helper()
	w, other := dbtest.NewWorld(t, store), dbtest.NewWorld(t, store)
	s, foreign := w.Session(dbtest.Now, nil), other.Session(dbtest.Now, nil)
	w.Insert(s)
	other.Insert(foreign)
	stay := &db.Participant{AccountID: s.AccountID, SessionID: s.ID, ID: "p", JoinedAt: dbtest.Now}
	namesake := &db.Participant{AccountID: foreign.AccountID, SessionID: foreign.ID, ID: "p", JoinedAt: dbtest.Now + 1}
	w.Do(func(tx *db.Tx) error { return tx.PutParticipant(stay) })
	w.Do(func(tx *db.Tx) error { return tx.PutParticipant(namesake) })
	left := *stay
	left.LeftAt = dbtest.Now.Add(time.Minute).Ptr()
	w.Do(func(tx *db.Tx) error { return tx.PutParticipant(&left) })
	var got []*db.Participant
	w.Do(func(tx *db.Tx) (err error) { got, err = tx.Participants(s); return err })
	if diff := cmp.Diff([]*db.Participant{&left}, got); diff != "" {
		t.Error(diff)
	}
	all, err := store.ParticipantsOfSessions(t.Context(), []*models.Session{s, foreign})
	want := map[string][]*db.Participant{s.ID: {&left}, foreign.ID: {namesake}}
	if diff := cmp.Diff(want, all); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func testEmptyRooms(t *testing.T, store *db.Store) {
	t.Helper()
	w := dbtest.NewWorld(t, store)
	empty := func(due models.Time, change func(*models.Session)) *models.Session {
		return w.Session(dbtest.Now, func(s *models.Session) {
			dbtest.Started(dbtest.Now, dbtest.Now.Add(time.Hour))(s)
			s.Room.EmptySince, s.Room.CheckDue, s.Room.Checks = dbtest.Now.Ptr(), &due, 2
			if change != nil {
				change(s)
			}
		})
	}
	now := dbtest.Now.Add(time.Minute)
	second, first := empty(now, nil), empty(now-1, nil)
	far := now.Add(time.Hour)
	putOff := empty(far+1, nil)
	w.Insert(second, first, empty(now+1, nil), putOff, empty(far, nil),
		empty(now, func(s *models.Session) { s.End(now-1, models.EndClient) }),
		empty(now, func(s *models.Session) { s.Deadline = &now }),
		w.Session(dbtest.Now, nil),
	)
	for limit, want := range map[int][]*models.Session{1: {first}, 10: {first, second, putOff}} {
		var got []*models.Session
		w.Do(func(tx *db.Tx) (err error) { got, err = tx.EmptyRooms(now, far, limit); return err })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func testRoomsInHand(t *testing.T, store *db.Store) {
	t.Helper()
	w := dbtest.NewWorld(t, store)
	ended := func(state models.RoomState, due *models.Time) *models.Session {
		return w.Session(dbtest.Now, func(s *models.Session) {
			s.End(dbtest.Now, models.EndClient)
			s.Room.State, s.Room.Due = state, due
		})
	}
	live, overdue := w.Session(dbtest.Now, nil), w.Session(dbtest.Now.Add(-time.Hour), nil)
	gone, deleting := ended(models.RoomGone, nil), ended(models.RoomDeleting, dbtest.Now.Add(time.Minute).Ptr())
	w.Insert(live, overdue, gone, deleting)
	got, err := store.RoomsInHand(t.Context(), []string{live.Room.Name, overdue.Room.Name, gone.Room.Name, deleting.Room.Name, "test-s-unknown"})
	want := map[string]bool{live.Room.Name: true, overdue.Room.Name: true, deleting.Room.Name: true}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for by, want := range map[models.Time]bool{dbtest.Now: false, dbtest.Now.Add(time.Minute): true} {
		if due, err := store.AnyRoomDue(t.Context(), []models.RoomState{models.RoomDeleting}, by); due != want || err != nil {
			t.Errorf("due by %s: %v, %v", by, due, err)
		}
	}
}

func testTurns(t *testing.T, store *db.Store) {
	t.Helper()
	w := dbtest.NewWorld(t, store)
	take := func(now, until models.Time) (mine bool) {
		w.Do(func(tx *db.Tx) (err error) { mine, err = tx.TakeTurn(db.SettingOrphanSweep, now, until); return err })
		return mine
	}
	for i, step := range []struct {
		now, until models.Time
		mine       bool
	}{
		{100, 200, true},
		{100, 200, false},
		{199, 299, false},
		{200, 300, true},
		{250, 350, false},
		{20, 120, true}, // the clock was set back
		{20, 120, false},
	} {
		if mine := take(step.now, step.until); mine != step.mine {
			t.Errorf("step %d: %v", i, mine)
		}
	}
}
