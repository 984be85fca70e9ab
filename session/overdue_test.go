package session

import (
	"slices"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/models"
)

// Whoever finds a session overdue ends it, whatever else it has come for.
func TestOverdue(t *testing.T) {
	t.Parallel()
	for name, come := range map[string]struct {
		creating bool
		do       func(w *world, late *models.Session) error
	}{
		"ByTheRoomThatIsReady": {true, func(w *world, late *models.Session) error {
			_, err := w.service.roomReady(t.Context(), late, "https://x.daily.co/r")
			return err
		}},
		"ByTheRoomThatIsGivenUp": {true, func(w *world, late *models.Session) error {
			_, err := w.service.abandon(t.Context(), late)
			return err
		}},
		// Its claim was lost to another, which has made the room.
		"ByALateClaim": {false, func(w *world, late *models.Session) error {
			late.Room.Fence--
			_, err := w.service.roomReady(t.Context(), late, late.Room.URL)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, withTimings(asleep))
			var seen []models.EndReason
			w.service.Observe = func(what string, why models.EndReason) {
				if what == "ended" {
					seen = append(seen, why)
				}
			}
			s := w.create(nil).Session
			if come.creating {
				s = w.creatingAgain(s)
			}
			w.jump(11 * time.Minute)
			if err := come.do(w, s); err != nil {
				t.Fatal(err)
			}
			stored, err := w.store.OperatorSession(t.Context(), s.ID)
			if err != nil || stored.EndedAt == nil || *stored.EndReason != models.EndNeverStarted {
				t.Errorf("is stored as %+v, %v", stored, err)
			}
			if !slices.Equal(seen, []models.EndReason{models.EndNeverStarted}) {
				t.Errorf("ends that are counted: %v", seen)
			}
			if err := w.service.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := w.service.End(w.key(), s.ID); err != nil {
				t.Errorf("ending it again: %v", err)
			}
		})
	}
}

// creatingAgain is the session as a crash leaves it before its room is known.
func (w *world) creatingAgain(of *models.Session) *models.Session {
	w.t.Helper()
	var row *models.Session
	err := w.store.Write(w.t.Context(), func(tx *db.Tx) (err error) {
		if row, err = tx.Session(w.scope(), of.ID); err != nil {
			return err
		}
		row.Room.State, row.Room.URL = models.RoomCreating, ""
		return tx.Swap(row)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}
