package session

import (
	"context"
	"testing"
	"time"

	"greenroom/daily/emulator"
	"greenroom/models"
)

// check does one round of asking Daily about rooms whose grace is over, and tells how many.
func (w *world) check() int {
	w.t.Helper()
	claimed, err := w.service.claimEmpty(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, row := range claimed {
		_ = w.service.checkRoom(context.Background(), row) // what it says is in the row
	}
	return len(claimed)
}

// left is a running session that its only person has left, as webhooks and Daily both have it.
func (w *world) left() *models.Session {
	w.t.Helper()
	s := w.started()
	who := w.join(s)
	w.pass(time.Minute)
	w.leave(s, who)
	w.tell(comes(s, who.SessionID, who.JoinedAt), goes(s, who.SessionID, who.JoinedAt, w.clock()))
	return w.read(s.ID)
}

func TestParticipantsLeft(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run("EndsToTheMillisecondOn"+name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, engine, withTimings(asleep))
			s := w.left()
			w.pass(w.timings.EmptyGrace - time.Millisecond)
			if n := w.check(); n != 0 {
				t.Fatalf("a millisecond early: %d", n)
			}
			w.pass(time.Millisecond)
			if n := w.check(); n != 1 {
				t.Fatalf("%d rooms were due", n)
			}
			got := w.read(s.ID)
			if got.EndReason == nil || *got.EndReason != models.EndParticipantsLeft || *got.EndedAt != w.clock() {
				t.Errorf("%+v", got)
			}
			types := w.eventTypes(s)
			if types[len(types)-1] != models.EventEnded || w.check() != 0 {
				t.Errorf("timeline %v", types)
			}
		})
	}

	t.Run("IsDoneByTheService", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.left()
		w.pass(w.timings.EmptyGrace)
		w.eventually("the room is gone", func() bool { return w.roomState(s.ID) == models.RoomGone })
		if got := w.read(s.ID); *got.EndReason != models.EndParticipantsLeft {
			t.Errorf("%+v", got)
		}
	})

	t.Run("NeverOnTheWordOfAWebhook", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.started()
		who := w.join(s)
		w.pass(time.Minute)
		// Daily shows them in the room whatever the webhook says.
		w.tell(goes(s, who.SessionID, who.JoinedAt, w.clock()))
		for range 3 {
			w.pass(w.timings.EmptyGrace)
			if n := w.check(); n != 1 {
				t.Fatalf("%d rooms were due", n)
			}
		}
		if got := w.read(s.ID); got.Status() != models.StatusStarted || *got.Room.EmptySince != w.clock() {
			t.Errorf("%+v", got)
		}
		w.leave(s, who)
		w.pass(w.timings.EmptyGrace)
		if w.check(); w.read(s.ID).Status() != models.StatusEnded {
			t.Errorf("%+v", w.read(s.ID))
		}
	})

	t.Run("WhoComesBackInTimeKeepsItAlive", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.left()
		w.pass(w.timings.EmptyGrace - time.Second)
		who := w.join(s)
		w.tell(comes(s, who.SessionID, who.JoinedAt))
		w.pass(time.Hour)
		if n := w.check(); n != 0 || w.read(s.ID).Status() != models.StatusStarted {
			t.Errorf("%d due, %+v", n, w.read(s.ID))
		}
	})

	t.Run("WhoComesBackUnnoticedToo", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.left()
		w.pass(w.timings.EmptyGrace)
		w.join(s) // the webhook is lost, and presence does not show it yet
		if n := w.check(); n != 1 || w.read(s.ID).Status() != models.StatusStarted || w.read(s.ID).Room.EmptySince != nil {
			t.Errorf("%d due, %+v", n, w.read(s.ID))
		}
		if lines := w.people(s); len(lines) != 3 {
			t.Errorf("timeline %v", lines)
		}
	})

	t.Run("WhoComesBackWhileDailyIsAskedToo", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.left()
		w.pass(w.timings.EmptyGrace)
		claimed, err := w.service.claimEmpty(context.Background())
		if err != nil || len(claimed) != 1 {
			t.Fatalf("%v, %v", claimed, err)
		}
		w.tell(comes(s, "again", w.clock()))
		if err := w.service.endEmpty(context.Background(), claimed[0]); err != nil {
			t.Fatal(err)
		}
		if got := w.read(s.ID); got.Status() != models.StatusStarted {
			t.Errorf("%+v", got)
		}
	})

	t.Run("WaitsForADailyThatDoesNotAnswer", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.left()
		w.pass(w.timings.EmptyGrace)
		w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultError, Status: 401})
		var waited time.Duration
		for n := 1; n <= 12; n++ {
			if due := w.check(); due != 1 {
				t.Fatalf("try %d: %d due", n, due)
			}
			row := w.read(s.ID)
			if row.Status() != models.StatusStarted || row.Room.Checks != n {
				t.Fatalf("after %d tries: %+v", n, row)
			}
			rest := row.Room.CheckDue.Sub(w.clock())
			if rest < firstRetry/2 || rest > lastRetry {
				t.Fatalf("try %d waits %s", n, rest)
			}
			if w.check() != 0 {
				t.Fatal("asked again at once")
			}
			waited += rest
			w.pass(rest)
		}
		if waited < lastRetry {
			t.Errorf("12 tries within %s", waited)
		}
		w.emulator.SetFaults()
		if w.check(); w.read(s.ID).Status() != models.StatusEnded {
			t.Errorf("%+v", w.read(s.ID))
		}
	})

	t.Run("ARoomThatDailyHasLostIsEmpty", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.left()
		if err := w.service.Daily.DeleteRoom(context.Background(), s.Room.Name); err != nil {
			t.Fatal(err)
		}
		w.pass(w.timings.EmptyGrace)
		if w.check(); w.read(s.ID).Status() != models.StatusEnded {
			t.Errorf("%+v", w.read(s.ID))
		}
	})

	t.Run("NobodyWasEverThere", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.started()
		w.pass(time.Hour)
		if n := w.check(); n != 0 || w.read(s.ID).Status() != models.StatusStarted {
			t.Errorf("%d due, %+v", n, w.read(s.ID))
		}
	})

	t.Run("ALeaveThatNeverArrives", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.started()
		who := w.join(s)
		w.tell(comes(s, who.SessionID, who.JoinedAt))
		w.pass(time.Minute)
		w.leave(s, who)
		missing := map[string]models.Time(nil)
		for range 2 {
			w.pass(pollEvery)
			missing = w.poll(missing)
		}
		if n := w.check(); n != 1 || w.read(s.ID).Status() != models.StatusEnded {
			t.Errorf("%d due, %+v", n, w.read(s.ID))
		}
	})

	t.Run("TwoReplicasAskOnce", func(t *testing.T) {
		t.Parallel()
		w := setup(t, onPostgres, withTimings(asleep))
		for range 10 {
			w.left()
		}
		w.pass(w.timings.EmptyGrace)
		counts := make(chan int, 4)
		parallel(cap(counts), func(int) {
			claimed, err := w.service.claimEmpty(context.Background())
			if err != nil {
				t.Error(err)
			}
			counts <- len(claimed)
		})
		sum := 0
		for range cap(counts) {
			sum += <-counts
		}
		if sum != 10 {
			t.Errorf("%d claims of 10 rooms", sum)
		}
	})
}
