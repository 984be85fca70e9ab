package session

import (
	"context"
	"fmt"
	"testing"
	"time"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

// The tests here are rows of the failure matrix, by number: what Daily does wrong between us and
// it. What became of the rooms is read from the emulator, never from our tables.

// posts are the calls that asked Daily for a room, and the rooms that it made.
func (w *world) posts() (asked, made int) {
	for _, e := range w.emulator.Log() {
		if e.Method == "POST" && e.Path == "/v1/rooms" {
			asked++
		}
		if e.Event == "room created" {
			made++
		}
	}
	return asked, made
}

// readyWorld is a world whose domain is known: the faults that follow meet the room alone.
func readyWorld(t *testing.T, options ...option) *world {
	t.Helper()
	w := setup(t, options...)
	w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
	return w
}

func TestMatrix07DailyAnswers429(t *testing.T) {
	t.Parallel()
	t.Run("AWaitThatFitsIsWaited", func(t *testing.T) {
		t.Parallel()
		w := readyWorld(t)
		w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: emulator.FaultRateLimit, Count: 2, RetryAfter: time.Second})
		began := time.Now()
		w.create(nil)
		if asked, made := w.posts(); asked != 3 || made != 1 || time.Since(began) < 2*time.Second {
			t.Errorf("%d calls, %d rooms after %s", asked, made, time.Since(began))
		}
	})
	t.Run("AWaitThatDoesNotIsAnError", func(t *testing.T) {
		t.Parallel()
		w := readyWorld(t, withTimings(func(c *Timings) { c.CreateWithin = 2 * time.Second }))
		w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: emulator.FaultRateLimit, RetryAfter: time.Minute})
		_, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID})
		asked, made := w.posts()
		if models.KindOf(err) != models.KindUnavailable || asked != 1 || made != 0 {
			t.Errorf("%d calls, %d rooms, %v", asked, made, err)
		}
		if n, err := w.store.CountLive(context.Background(), w.account.ID, w.clock()); n != 0 {
			t.Errorf("%d places are taken, %v", n, err)
		}
	})
}

func TestMatrix08DailyFails(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := readyWorld(t)
			before := w.create(nil).Session
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultError, Status: status})
			// What needs no Daily goes on.
			if got := w.read(before.ID); w.service.DailyRoom(context.Background(), got).Token == nil {
				t.Errorf("%+v", got)
			}
			if ended, err := w.service.End(w.key(), before.ID); err != nil || ended.Status() != models.StatusEnded {
				t.Errorf("%+v, %v", ended, err)
			}
			w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: emulator.FaultError, Status: status, Count: 2})
			s := w.create(nil).Session
			if rooms := w.room(s); len(rooms) != 1 {
				t.Errorf("rooms %+v", rooms)
			}
			// What failed comes when its turn comes again.
			w.pass(time.Hour)
			w.eventually("the ended one's room is gone", func() bool { return w.room(before)[0].State == emulator.RoomDeleted })
		})
	}
}

func TestMatrix09DailyAcceptsButTheReplyIsLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []emulator.FaultKind{emulator.FaultLost, emulator.FaultCut} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := readyWorld(t)
			w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: kind, Count: 1})
			s := w.create(nil).Session
			asked, made := w.posts()
			if rooms := w.room(s); len(rooms) != 1 || made != 1 || asked != 1 || s.Room.State != models.RoomReady {
				t.Errorf("%d calls, rooms %+v, session %+v", asked, rooms, s)
			}
		})
	}
}

// TestMatrix10TheRoomComesLate: a create that everybody has given up lands at Daily after all.
func TestMatrix10TheRoomComesLate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// after is when the room appears, gone by when it has to be gone again.
		after, gone time.Duration
	}{
		"BeforeTheFirstDelete":  {after: 30 * time.Second, gone: lateRoom},
		"BetweenTheTwoDeletes":  {after: lateRoom + time.Minute, gone: lateRoom + veryLateRoom},
		"AfterBothForTheSweep":  {after: lateRoom + veryLateRoom + time.Minute, gone: lateRoom + veryLateRoom + time.Minute + orphanGrace + time.Second},
		"AfterBothForItsOwnEnd": {after: lateRoom + veryLateRoom + time.Minute, gone: 25 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := readyWorld(t)
			w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: emulator.FaultError, Status: 401})
			if _, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID}); models.KindOf(err) != models.KindUnavailable {
				t.Fatal(err)
			}
			w.emulator.SetFaults()
			given, err := w.service.Sessions(w.key(), models.SessionQuery{Page: models.Page{Size: 1}})
			if err != nil || len(given.Nodes) != 1 {
				t.Fatalf("%+v, %v", given, err)
			}
			s := given.Nodes[0]
			deletes := func() (n int) {
				for _, e := range w.emulator.Log() {
					if e.Method == "DELETE" && e.Room == s.Room.Name && e.Status != 0 {
						n++
					}
				}
				return n
			}
			at := time.Duration(0)
			until := func(then time.Duration) { w.pass(then - at); at = then }
			if test.after > lateRoom {
				until(lateRoom)
				w.eventually("the first DELETE", func() bool { return deletes() == 1 && w.read(s.ID).Room.Due.Sub(w.clock()) == veryLateRoom })
			}
			if test.after > lateRoom+veryLateRoom {
				until(lateRoom + veryLateRoom)
				w.eventually("the second DELETE", func() bool { return deletes() == 2 && w.roomState(s.ID) == models.RoomGone })
			}
			until(test.after)
			w.plantAt(s)
			if rooms := w.room(s); len(rooms) != 1 || rooms[0].State != emulator.RoomLive {
				t.Fatalf("rooms %+v", rooms)
			}
			until(test.gone)
			if name == "AfterBothForTheSweep" {
				w.sweepOrphans()
			}
			w.eventually("it is gone", func() bool { return w.room(s)[0].State != emulator.RoomLive })
		})
	}
}

// plantAt makes a session's room as its own create would have.
func (w *world) plantAt(s *models.Session) {
	w.t.Helper()
	_, err := w.service.Daily.CreateRoom(context.Background(), daily.RoomSpec{Name: s.Room.Name, Exp: s.Room.Exp})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestMatrix11TheReplyIsNotWhatItShouldBe(t *testing.T) {
	t.Parallel()
	for _, fault := range []emulator.Fault{
		{Kind: emulator.FaultTruncated}, {Kind: emulator.FaultHuge}, {Kind: emulator.FaultHTML, After: true}, {Kind: emulator.FaultHTML},
	} {
		t.Run(fmt.Sprintf("%s/%v", fault.Kind, fault.After), func(t *testing.T) {
			t.Parallel()
			w := readyWorld(t)
			fault.Method, fault.Path, fault.Count = "POST", "/rooms", 1
			w.emulator.SetFaults(fault)
			s := w.create(nil).Session
			if rooms := w.room(s); len(rooms) != 1 || s.Room.State != models.RoomReady {
				t.Errorf("rooms %+v, session %+v", rooms, s)
			}
		})
	}
}

func TestMatrix12TheRoomIsGoneAlready(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world, *models.Session){
		"Deleted": func(w *world, s *models.Session) {
			if err := w.service.Daily.DeleteRoom(context.Background(), s.Room.Name); err != nil {
				w.t.Fatal(err)
			}
		},
		"Expired": func(w *world, s *models.Session) { w.pass(s.Room.Exp.Sub(w.clock())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := readyWorld(t)
			s := w.create(nil).Session
			spoil(w, s)
			if _, err := w.service.End(w.key(), s.ID); err != nil {
				t.Fatal(err)
			}
			w.eventually("that is a success", func() bool { return w.roomState(s.ID) == models.RoomGone })
			if rooms := w.room(s); rooms[0].State == emulator.RoomLive {
				t.Errorf("rooms %+v", rooms)
			}
		})
	}
}

// TestMatrix13FiveHundredRoomsEndAtOnce runs Daily's DELETE limit with its seconds shortened to
// 20 ms: 50 deletes in 600 ms, on both sides. Not one call too many is made, none is left over
// long, and what has not been deleted by its exp is gone by itself.
func TestMatrix13FiveHundredRoomsEndAtOnce(t *testing.T) {
	t.Parallel()
	const rooms = 500
	rate := daily.Rate{Count: 50, Per: 600 * time.Millisecond}
	w := setup(t, withTimings(func(c *Timings) { c.Sweep = 5 * time.Millisecond }), func(w *world) { w.deletes = rate })
	w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
	const workers = 10
	parallel(workers, func(int) {
		for range rooms / workers {
			w.create(nil)
		}
	})
	began := time.Now()
	w.pass(w.timings.StartWindow) // nobody has started them: one sweep ends them all
	if err := w.service.Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	left := func() (n int) {
		for _, r := range w.emulator.Rooms() {
			if r.State == emulator.RoomLive {
				n++
			}
		}
		return n
	}
	w.eventually("most are deleted", func() bool {
		<-time.After(rate.Per / 10) // all rooms are a lot to read
		return left() <= rooms/5
	})
	took := time.Since(began)
	w.pass(26 * time.Hour) // exp
	if n := left(); n != 0 {
		t.Errorf("%d rooms outlive their exp", n)
	}
	w.eventually("all of them are settled", func() bool {
		states := []models.RoomState{models.RoomCreating, models.RoomEjecting, models.RoomDeleting}
		unsettled, err := w.store.AnyRoomDue(context.Background(), states, w.clock().Add(24*time.Hour))
		return err == nil && !unsettled
	})
	var refused, deletes int
	for _, e := range w.emulator.Log() {
		if e.Status == 429 {
			refused++
		}
		if e.Method == "DELETE" {
			deletes++
		}
	}
	if refused != 0 || deletes != rooms {
		t.Errorf("%d calls were too many, %d deletes of %d rooms", refused, deletes, rooms)
	}
	// 400 rooms are eight times the limit: seven periods at least, or the test has shown nothing.
	if took < 7*rate.Per {
		t.Errorf("done in %s, faster than the limit lets anybody", took)
	}
}
