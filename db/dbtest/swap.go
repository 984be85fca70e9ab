package dbtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/models"
)

func testSwap(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	s := w.Session(Now, nil)
	w.Insert(s)
	const callers = 16
	errs := make(chan error, callers)
	for i := range callers {
		mine := *s
		mine.Metadata = models.Metadata(fmt.Sprintf(`{"n":%d}`, i))
		mine.Deadline, mine.DeadlineReason = nil, nil
		go func() { errs <- store.Write(ctx, func(tx *db.Tx) error { c := mine; return tx.Swap(&c) }) }()
	}
	won := 0
	for range callers {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, models.ErrConflict):
			t.Errorf("loser: %v", err)
		}
	}
	same(t, "winners", won, 1)
	got := one(store.Session(ctx, w.Scope(), s.ID, Now))
	same(t, "version", got.Version, 2)
	if got.Deadline != nil || got.DeadlineReason != nil {
		t.Errorf("a column set to null was kept: %v", got)
	}
	if got.Metadata == models.EmptyMetadata {
		t.Errorf("the winner's change is missing")
	}
}

// Every column that changes at all is written, whether the transaction has read the row or not, and
// is read as it was written: by GORM, and by this program's own statements.
func testSwapWritesAll(t *testing.T, store *db.Store) {
	ctx := context.WithoutCancel(t.Context())
	w := NewWorld(t, store)
	for name, isRead := range map[string]bool{"read in the transaction": true, "read elsewhere": false} {
		empty := w.Session(Now, func(s *models.Session) { s.Deadline, s.DeadlineReason = nil, nil })
		w.Insert(empty)
		full := w.full(empty)
		for _, to := range []*models.Session{full, empty, full} {
			stored := one(store.OperatorSession(ctx, empty.ID))
			next := *to
			next.Version = stored.Version
			w.Do(func(tx *db.Tx) error {
				if isRead {
					if _, err := tx.Session(w.Scope(), empty.ID); err != nil {
						return err
					}
				}
				swapped := next
				return tx.Swap(&swapped)
			})
			next.Version++
			same(t, name+", by GORM", one(store.OperatorSession(ctx, empty.ID)), &next)
			w.Do(func(tx *db.Tx) error {
				same(t, name, one(tx.Session(w.Scope(), empty.ID)), &next)
				return nil
			})
		}
	}
}

// full is a session of which every column differs from another's that can.
func (w *World) full(of *models.Session) *models.Session {
	w.tb.Helper()
	s := *of
	at, reason, seconds := Now+1000, models.EndOperator, 60
	s.Metadata = `{"a":1}`
	s.StartedAt, s.EndedAt, s.EndReason = &at, at.Add(time.Second).Ptr(), &reason
	s.Deadline, s.DeadlineReason, s.Expiration, s.WarnAt = &at, &reason, &at, &at
	s.MaxDuration, s.Revision, s.Version, s.AvatarState, s.TokenGeneration = &seconds, of.Revision+1, of.Version+1, models.AvatarGone, of.TokenGeneration+1
	s.Room = models.Room{
		State: models.RoomDeleting, Name: of.Room.Name, URL: of.Room.URL + "/other", Exp: of.Room.Exp + 1000, Fence: of.Room.Fence + 1,
		Due: &at, Tries: 3, DeleteAgain: true, EmptySince: &at, CheckDue: &at, Checks: 2,
	}
	s.Assignment = models.Assignment{Generation: of.Assignment.Generation + 1, Server: "avatar-1", Since: &at}
	w.differ("Session", reflect.ValueOf(*of), reflect.ValueOf(s))
	return &s
}

// never are the fields of a session that never change.
var never = map[string]bool{
	"Session.AccountID": true, "Session.ID": true, "Session.AvatarID": true, "Session.SessionType": true,
	"Session.EndUserID": true, "Session.CreatedAt": true, "Session.Room.Name": true,
}

// differ sees to it that a field that is added to a session is not forgotten here.
func (w *World) differ(name string, a, b reflect.Value) {
	w.tb.Helper()
	for i := range a.NumField() {
		field := name + "." + a.Type().Field(i).Name
		switch x, y := a.Field(i), b.Field(i); {
		case x.Kind() == reflect.Struct:
			w.differ(field, x, y)
		case reflect.DeepEqual(x.Interface(), y.Interface()) != never[field]:
			w.tb.Errorf("%s: %v and %v", field, x, y)
		}
	}
}
