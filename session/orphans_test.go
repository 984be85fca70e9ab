package session

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

// plant makes a room at Daily that no session here has asked for.
func (w *world) plant(name string) {
	w.t.Helper()
	_, err := w.service.Daily.CreateRoom(context.Background(), daily.RoomSpec{Name: name, Exp: w.clock().Add(24 * time.Hour)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sweepOrphans() {
	w.t.Helper()
	if err := w.service.sweepOrphansOnce(context.Background(), time.Millisecond); err != nil {
		w.t.Fatal(err)
	}
}

// live are the names of the rooms that Daily has.
func (w *world) live() (names []string) {
	for _, r := range w.emulator.Rooms() {
		if r.State == emulator.RoomLive {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run("AreDeletedAndNothingElseOn"+name, func(t *testing.T) {
			t.Parallel()
			var logs bytes.Buffer
			w := setup(t, engine, withTimings(asleep), func(w *world) { w.log = slog.New(slog.NewTextHandler(&logs, nil)) })
			w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
			kept := []string{
				"tes-s-" + ulidOf(epoch), "test2-s-" + ulidOf(epoch), "prod-s-" + ulidOf(epoch), "test-" + ulidOf(epoch), "xtest-s-1", "TEST-s-1", "standup",
			}
			for _, name := range kept {
				w.plant(name)
			}
			live := w.started()
			due := w.create(nil).Session // its end will not have been written
			kept = append(kept, live.Room.Name, due.Room.Name)
			// Whose ids are in no database, whether they are ids or not.
			w.plant("test-s-" + ulidOf(epoch))
			w.plant("test-s-by-hand")
			w.sweepOrphans()
			if got := w.live(); len(got) != len(kept)+2 || w.orphans.Load() != 0 {
				t.Fatalf("deleted although young: %v", got)
			}
			w.pass(orphanGrace + time.Second)
			young := "test-s-" + ulidOf(w.clock())
			w.plant(young)
			kept = append(kept, young)
			w.sweepOrphans()
			slices.Sort(kept)
			if got := w.live(); !slices.Equal(got, kept) || w.orphans.Load() != 2 {
				t.Errorf("%d deleted, left are\n%v, want\n%v", w.orphans.Load(), got, kept)
			}
			if err := w.service.Shutdown(context.Background()); err != nil { // it may be writing
				t.Error(err)
			}
			if n := strings.Count(logs.String(), "a room without a session was deleted"); n != 2 {
				t.Errorf("logged\n%s", logs.String())
			}
		})
		t.Run("OneReplicaAtATimeLooksOn"+name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, engine, withTimings(asleep))
			lists := func() int { return w.calls("/v1/rooms") }
			parallel(4, func(int) { w.sweepOrphans() })
			if n := lists(); n != 1 {
				t.Errorf("%d lists at once", n)
			}
			w.pass(orphanEvery - time.Millisecond)
			w.sweepOrphans()
			w.pass(time.Millisecond)
			w.sweepOrphans()
			if n := lists(); n != 2 {
				t.Errorf("%d lists", n)
			}
			// Taken under a clock that was an hour ahead.
			w.jump(-time.Hour)
			w.sweepOrphans()
			if n := lists(); n != 3 {
				t.Errorf("%d lists after the clock was set back", n)
			}
		})
	}

	t.Run("WaitForTheRoomsOfSessionsThatEnd", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		w.plant("test-s-" + ulidOf(epoch))
		ended := w.create(nil).Session
		w.pass(orphanGrace + time.Second)
		if _, err := w.service.End(w.key(), ended.ID); err != nil {
			t.Fatal(err)
		}
		w.sweepOrphans()
		if got := w.read(ended.ID); got.Room.State != models.RoomGone || len(w.live()) != 0 {
			t.Errorf("the orphan went first: %+v, %v", got, w.live())
		}
	})

	t.Run("OneThatDailyKeepsDoesNotKeepTheOthers", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		rooms := []string{"test-s-1", "test-s-2", "test-s-3"}
		for _, name := range rooms {
			w.plant(name)
		}
		w.pass(orphanGrace + time.Second)
		for _, kept := range rooms {
			w.emulator.SetFaults(emulator.Fault{Method: "DELETE", Path: "/rooms/" + kept, Kind: emulator.FaultError, Status: 403})
			err := w.service.sweepOrphansOnce(context.Background(), 0)
			if err == nil || !strings.Contains(err.Error(), kept) || !slices.Equal(w.live(), []string{kept}) {
				t.Errorf("%v, left are %v", err, w.live())
			}
			w.emulator.SetFaults()
			for _, name := range rooms {
				if name != kept {
					w.plant(name)
				}
			}
			w.pass(orphanGrace + time.Second)
		}
	})

	t.Run("AListThatBreaksOffDeletesNothing", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		w.plant("test-s-" + ulidOf(epoch))
		w.pass(orphanGrace + time.Second)
		w.emulator.SetFaults(emulator.Fault{Method: "GET", Path: "/rooms", Kind: emulator.FaultError, Status: 401})
		if err := w.service.sweepOrphansOnce(context.Background(), 0); err == nil || len(w.live()) != 1 {
			t.Errorf("%v, left are %v", err, w.live())
		}
	})
}

// ulidOf is the part of a room's name that tells sessions apart.
func ulidOf(at models.Time) string {
	return strings.ToLower(models.ULID(models.NewID(models.SessionPrefix, at)))
}
