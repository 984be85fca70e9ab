package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/models"
)

func TestEnd(t *testing.T) {
	t.Parallel()

	t.Run("ReleasesEverything", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.avatarServer(nil)
		s := w.start(w.create(nil).Session).Session
		room := w.service.DailyRoom(w.key(), s)
		guest, err := w.emulator.Join(room.Name, *room.Token, "Ann")
		if err != nil {
			t.Fatal(err)
		}
		w.pass(45*time.Minute + 999*time.Millisecond)
		ended, err := w.service.End(w.token(s), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		if ended.Status() != models.StatusEnded || *ended.EndReason != models.EndClient || *ended.Duration() != 2700 || ended.AvatarState != models.AvatarGone {
			t.Errorf("ended: %+v", ended)
		}
		if got := w.service.DailyRoom(w.key(), ended); got.Token != nil || got.TokenExpiresAt != nil || got.URL != room.URL {
			t.Errorf("its room: %+v", got)
		}
		w.eventually("the room is gone", func() bool { return w.roomState(s.ID) == models.RoomGone })
		if got := w.room(s); len(got) != 1 || got[0].State != emulator.RoomDeleted {
			t.Errorf("at Daily: %+v", got)
		}
		w.eventually("the avatar server is free", func() bool { return w.registry.Servers()[0].Sessions == 0 })
		ejected := false
		for _, e := range w.emulator.Log() {
			ejected = ejected || (e.Event != "" && e.Room == room.Name && e.Detail != "" && e.At >= epoch && guest.SessionID != "")
		}
		if !ejected {
			t.Error("nobody was ejected")
		}
	})

	t.Run("TwiceIsASuccessThatChangesNothing", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		first, err := w.service.End(w.key(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.eventually("the room is gone", func() bool { return w.roomState(s.ID) == models.RoomGone })
		w.pass(time.Hour)
		second, err := w.service.End(w.key(), s.ID)
		if err != nil || *second.EndedAt != *first.EndedAt || second.Revision != first.Revision || *second.Duration() != 0 {
			t.Errorf("%+v, %v", second, err)
		}
	})

	t.Run("ManyAtOnceEndItOnce", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		parallel(32, func(int) {
			w.pass(time.Millisecond)
			if _, err := w.service.End(w.key(), s.ID); err != nil {
				t.Error(err)
			}
		})
		want := []models.EventType{models.EventCreated, models.EventRoomReady, models.EventEnded}
		if diff := cmp.Diff(want, w.eventTypes(s)); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("AnAccessTokenEndsItsOwnSessionOnly", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		one, two := w.create(nil).Session, w.create(nil).Session
		if _, err := w.service.End(w.token(one), two.ID); models.KindOf(err) != models.KindNotFound {
			t.Error(err)
		}
		if _, err := w.service.UpdateMetadata(w.token(one), one.ID, nil); !errors.Is(err, models.ErrForbidden) {
			t.Error(err)
		}
		if _, err := w.service.RotateAccessToken(w.token(one), one.ID); !errors.Is(err, models.ErrForbidden) {
			t.Error(err)
		}
	})

	t.Run("ThatWaitedPastTheDeadlineComesTooLate", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(func(c *Timings) { c.Sweep = time.Hour }))
		s := w.create(nil).Session
		w.pass(w.timings.StartWindow - time.Millisecond)
		// Somebody else has the database's writer.
		held, release := make(chan struct{}), make(chan struct{})
		go func() {
			_ = w.store.Write(context.Background(), func(*db.Tx) error { close(held); <-release; return nil })
		}()
		<-held
		done := make(chan *models.Session)
		go func() {
			ended, err := w.service.End(w.key(), s.ID)
			if err != nil {
				t.Error(err)
			}
			done <- ended
		}()
		w.pass(time.Millisecond)
		seen := w.read(s.ID)
		close(release)
		if ended := <-done; *ended.EndReason != models.EndNeverStarted || *ended.EndedAt != *seen.EndedAt || ended.Revision != seen.Revision {
			t.Errorf("a reader saw %+v, and then came %+v", seen, ended)
		}
	})

	t.Run("AnOperatorEndsAnySession", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		ended, err := OperatorEnd(context.Background(), w.store, w.clock, s.ID)
		if err != nil || *ended.EndReason != models.EndOperator {
			t.Fatalf("%+v, %v", ended, err)
		}
		w.eventually("the serving side has cleaned up", func() bool { return w.roomState(s.ID) == models.RoomGone })
	})
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	const granted = 17 * time.Hour
	plan := models.Plan{Key: "pro", MaxSessionDuration: ptr(int(granted / time.Second))}
	for name, sweep := range map[string]bool{"Lazily": false, "BySweep": true} {
		t.Run("SeventeenHoursToTheMillisecond"+name, func(t *testing.T) {
			t.Parallel()
			// A sweep that never comes by itself: the test sweeps, or nobody does.
			w := setup(t, withPlan(plan), withTimings(func(c *Timings) { c.Sweep = time.Hour }))
			w.avatarServer(nil)
			s := w.start(w.create(nil).Session).Session
			w.pass(granted - time.Millisecond)
			before := w.look(s, sweep)
			warned := s.Revision
			if sweep {
				warned++ // by the line of the timeline that tells of the end
			}
			if before.Status() != models.StatusStarted || before.Revision != warned {
				t.Errorf("a millisecond before: %+v", before)
			}
			w.pass(time.Millisecond)
			after := w.look(s, sweep)
			if after.Status() != models.StatusEnded || *after.EndedAt != *s.Expiration || *after.EndReason != models.EndExpired ||
				*after.Duration() != int(granted/time.Second) || after.Revision != warned+1 {
				t.Errorf("at the deadline: %+v", after)
			}
			w.pass(time.Hour)
			if err := w.service.Sweep(context.Background()); err != nil {
				t.Fatal(err)
			}
			late := w.read(s.ID)
			if *late.EndedAt != *after.EndedAt || late.Revision != after.Revision {
				t.Errorf("after a late sweep: %+v", late)
			}
		})
	}

	t.Run("NeverStarted", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		w.pass(10 * time.Minute)
		w.eventually("the sweep has written it", func() bool { return w.roomState(s.ID) == models.RoomGone })
		if got := w.read(s.ID); *got.EndReason != models.EndNeverStarted || *got.EndedAt != epoch.Add(10*time.Minute) || *got.Duration() != 0 {
			t.Errorf("%+v", got)
		}
	})

	t.Run("AMoveOnADueSessionWritesTheDueEndFirst", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(func(c *Timings) { c.Sweep = time.Hour }))
		s := w.create(nil).Session
		w.pass(11 * time.Minute)
		ended, err := w.service.End(w.key(), s.ID)
		if err != nil || *ended.EndReason != models.EndNeverStarted || *ended.EndedAt != epoch.Add(10*time.Minute) {
			t.Errorf("%+v, %v", ended, err)
		}
		if stored, err := w.store.OperatorSession(context.Background(), s.ID); err != nil || stored.EndedAt == nil {
			t.Errorf("not written: %+v, %v", stored, err)
		}
	})

	t.Run("AStartOnADueSessionWritesTheDueEndToo", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(func(c *Timings) { c.Sweep = time.Hour }))
		s := w.create(nil).Session
		w.pass(11 * time.Minute)
		seen := w.read(s.ID)
		refused, err := w.service.Start(w.key(), s.ID)
		if !errors.Is(err, models.ErrSessionEnded) || refused.Session.Revision != seen.Revision {
			t.Errorf("%+v, %v", refused, err)
		}
		types := w.eventTypes(s)
		if types[len(types)-1] != models.EventEnded {
			t.Errorf("timeline: %v", types)
		}
	})

	t.Run("AClockSetBackNeverMakesANegativeDuration", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(plan))
		w.avatarServer(nil)
		s := w.start(w.create(nil).Session).Session
		w.jump(-time.Hour)
		ended, err := w.service.End(w.key(), s.ID)
		if err != nil || *ended.Duration() != 0 || *ended.EndedAt != *ended.StartedAt {
			t.Errorf("%+v, %v", ended, err)
		}
	})
}

// look reads the session, after a sweep when that is what is tested.
func (w *world) look(s *models.Session, sweep bool) *models.Session {
	w.t.Helper()
	if sweep {
		if err := w.service.Sweep(context.Background()); err != nil {
			w.t.Fatal(err)
		}
		stored, err := w.store.OperatorSession(context.Background(), s.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		return stored
	}
	return w.read(s.ID)
}

func TestQuota(t *testing.T) {
	t.Parallel()
	plan := models.Plan{Key: "free", MaxSessionDuration: ptr(600), IncludedMinutes: ptr(15)}

	t.Run("TheRestOfTheMonthIsTheDeadline", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(plan))
		w.avatarServer(nil)
		first := w.start(w.create(nil).Session).Session
		w.pass(10 * time.Minute) // used up its own time
		second := w.start(w.create(nil).Session).Session
		if *second.Expiration != w.clock().Add(10*time.Minute) || *second.Deadline != w.clock().Add(5*time.Minute) {
			t.Errorf("expiration %v, deadline %v", second.Expiration, second.Deadline)
		}
		third := w.create(nil).Session // while minutes are left
		w.pass(5 * time.Minute)
		if got := w.read(second.ID); *got.EndReason != models.EndQuotaExhausted || *got.Duration() != 300 {
			t.Errorf("%+v", got)
		}
		if got := w.read(first.ID); *got.EndReason != models.EndExpired {
			t.Errorf("%+v", got)
		}
		if _, err := w.service.Start(w.key(), third.ID); models.KindOf(err) != models.KindQuotaExhausted {
			t.Errorf("start with nothing left: %v", err)
		}
		_, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID})
		refusal, _ := errors.AsType[*models.Error](err)
		_, next := w.clock().Month()
		if refusal == nil || refusal.Kind != models.KindQuotaExhausted || refusal.RetryAfter != next.Sub(w.clock()) {
			t.Errorf("create with nothing left: %+v", err)
		}
		w.now.Store(int64(next))
		w.create(nil)
	})

	t.Run("ANewMonthBringsNewMinutesWhileTheSessionRuns", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(models.Plan{Key: "x", IncludedMinutes: ptr(15)}))
		w.avatarServer(nil)
		_, next := epoch.Month()
		w.now.Store(int64(next.Add(-time.Minute)))
		s := w.start(w.create(nil).Session).Session
		if *s.Deadline != next.Add(15*time.Minute) || s.Expiration != nil {
			t.Errorf("deadline %v, want %v", s.Deadline, next.Add(15*time.Minute))
		}
	})
}

// TestAnySequence drives sessions through random actions and instants. Whatever happens, ended
// is for ever, revisions only rise, and reads, filters, counts and limits agree.
func TestAnySequence(t *testing.T) {
	t.Parallel()
	const places = 3
	w := setup(t,
		withPlan(models.Plan{Key: "pro", MaxConcurrentSessions: ptr(places), MaxSessionDuration: ptr(3)}),
		withTimings(func(c *Timings) { c.StartWindow = 2 * time.Second; c.Sweep = 5 * time.Millisecond }))
	w.avatarServer(nil)
	rapid.Check(t, func(r *rapid.T) {
		seen := map[string]*models.Session{}
		for range rapid.IntRange(5, 25).Draw(r, "steps") {
			page, err := w.service.Sessions(w.key(), models.SessionQuery{Page: models.Page{Size: 20}})
			if err != nil {
				r.Fatal(err)
			}
			var id string
			if len(page.Nodes) > 0 {
				id = page.Nodes[rapid.IntRange(0, len(page.Nodes)-1).Draw(r, "which")].ID
			}
			switch rapid.IntRange(0, 6).Draw(r, "action") {
			case 0, 1:
				_, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID})
				if err != nil && models.KindOf(err) != models.KindConcurrencyLimit {
					r.Fatalf("create: %v", err)
				}
			case 2:
				if _, err := w.service.Start(w.key(), id); models.KindOf(err) == "" && err != nil {
					r.Fatalf("start: %v", err)
				}
			case 3:
				if _, err := w.service.End(w.key(), id); models.KindOf(err) == "" && err != nil {
					r.Fatalf("end: %v", err)
				}
			case 4:
				patch := models.JSONObject{"n": int64(rapid.IntRange(0, 3).Draw(r, "n"))}
				if _, err := w.service.UpdateMetadata(w.key(), id, patch); models.KindOf(err) == "" && err != nil {
					r.Fatalf("metadata: %v", err)
				}
			case 5:
				w.pass(time.Duration(rapid.IntRange(1, 1500).Draw(r, "ms")) * time.Millisecond)
			case 6:
				if err := w.service.Sweep(context.Background()); err != nil {
					r.Fatalf("sweep: %v", err)
				}
			}
			w.agree(r, seen)
		}
	})
}

// agree checks what must hold at every instant.
func (w *world) agree(r *rapid.T, seen map[string]*models.Session) {
	now := w.clock() // nobody else moves the clock
	scope := models.Scope{AccountID: w.account.ID}
	list := func(f models.SessionFilter) []*models.Session {
		page, err := w.store.Sessions(context.Background(), models.SessionQuery{Scope: scope, Filter: f, Page: models.Page{Size: 100}}, now)
		if err != nil {
			r.Fatal(err)
		}
		return page.Nodes
	}
	live := 0
	for _, s := range list(models.SessionFilter{}) {
		if s.EndedAt == nil {
			live++
		}
		old := seen[s.ID]
		seen[s.ID] = s
		if old == nil {
			continue
		}
		if old.EndedAt != nil && (s.EndedAt == nil || *s.EndedAt != *old.EndedAt || *s.EndReason != *old.EndReason) {
			r.Fatalf("the end changed: %+v, then %+v", old, s)
		}
		if s.Revision < old.Revision {
			r.Fatalf("revision fell from %d to %d", old.Revision, s.Revision)
		}
	}
	active := list(models.SessionFilter{Status: []models.SessionStatus{models.StatusCreated, models.StatusStarted}})
	holders, err := w.store.CountLive(context.Background(), w.account.ID, now)
	if err != nil || holders != live || len(active) != live {
		r.Fatalf("%d live by reading, %d by filter, %d places taken (%v)", live, len(active), holders, err)
	}
	if holders > 3 {
		r.Fatalf("%d places taken of 3", holders)
	}
}
