package session

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/models"
)

// asleep keeps the service's own loops from doing what the test does by hand.
func asleep(c *Timings) { c.Sweep = time.Hour }

func (w *world) scope() models.Scope { return models.Scope{AccountID: w.account.ID} }

func TestASharedKeyWhoseCreateFailsAnswersEverybody(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]option{"SQLite": func(*world) {}, "PostgreSQL": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, o)
			w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
			w.emulator.SetFaults(emulator.Fault{Path: "/rooms", Kind: emulator.FaultError, Status: 401})
			parallel(20, func(int) {
				made, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID, IdempotencyKey: ptr("k")})
				if made != nil || models.KindOf(err) != models.KindUnavailable {
					t.Errorf("%+v, %v", made, err)
				}
			})
		})
	}
}

func TestGivingUpIsFenced(t *testing.T) {
	t.Parallel()
	w := setup(t, withTimings(asleep))
	s := w.create(nil).Session
	old, err := w.service.handOver(context.Background(), s, "box-a", models.ActorAPIKey, true)
	if err != nil {
		t.Fatal(err)
	}
	newer, err := w.service.handOver(context.Background(), s, "box-b", models.ActorAPIKey, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.giveUp(s, old.Assignment.Generation); err != nil {
		t.Fatal(err)
	}
	ref := avatarserver.Ref{SessionID: s.ID, Generation: newer.Assignment.Generation}
	if err := w.service.Ready(context.Background(), "box-a", avatarserver.Ref{SessionID: s.ID, Generation: old.Assignment.Generation}); err == nil {
		t.Error("word of an older hand-over started the session")
	}
	if err := w.service.Ready(context.Background(), "box-b", ref); err != nil || w.read(s.ID).Status() != models.StatusStarted {
		t.Errorf("the newer hand-over was given up with the older: %v", err)
	}
}

func TestTheSweepLeavesASearchThatRunsAlone(t *testing.T) {
	t.Parallel()
	w := setup(t, withTimings(asleep), withTimings(func(c *Timings) { c.GiveUpAfter = 2 * time.Minute }))
	w.avatarServer(func(c *sandbox.Config) { c.ReadyAfter = time.Hour })
	s := w.create(nil).Session
	// A run before this one died while connecting, almost two minutes ago.
	if _, err := w.service.handOver(context.Background(), s, "dead", models.ActorAPIKey, true); err != nil {
		t.Fatal(err)
	}
	w.pass(119 * time.Second)
	go func() { _, _ = w.service.Start(w.key(), s.ID) }()
	w.eventually("the avatar server has it", func() bool { return w.registry.Servers()[0].Sessions == 1 })
	w.pass(3 * time.Second)
	if err := w.service.Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := w.read(s.ID); got.AvatarState != models.AvatarConnecting || w.registry.Servers()[0].Sessions != 1 {
		t.Errorf("the sweep gave it up: %+v", got)
	}
	if _, err := w.service.End(w.key(), s.ID); err != nil {
		t.Fatal(err)
	}
}

func TestAStartThatWasAskedForInTimeMayTakeItsTime(t *testing.T) {
	t.Parallel()
	w := setup(t, withTimings(asleep))
	s := w.create(nil).Session
	w.pass(10*time.Minute - time.Second)
	row, err := w.service.handOver(context.Background(), s, "box", models.ActorAPIKey, true)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(30 * time.Second)
	if err := w.service.Ready(context.Background(), "box", avatarserver.Ref{SessionID: s.ID, Generation: row.Assignment.Generation}); err != nil {
		t.Errorf("29 s after its start window: %v", err)
	}

	late := w.create(nil).Session
	w.pass(10*time.Minute - time.Second)
	row, err = w.service.handOver(context.Background(), late, "box", models.ActorAPIKey, true)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(30 * time.Second)
	if err := w.service.giveUp(late, row.Assignment.Generation); err != nil {
		t.Fatal(err)
	}
	if got := w.read(late.ID); got.EndReason == nil || *got.EndReason != models.EndNeverStarted || *got.EndedAt != late.CreatedAt.Add(10*time.Minute) {
		t.Errorf("given up after its start window: %+v", got)
	}
}

func TestWhatACrashLeftUnmadeStillEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	w := setup(t, withTimings(asleep))
	w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
	// kill -9 between the intent and the room.
	order, err := newOrder(callerOf(w), CreateInput{AvatarID: w.avatar.ID}, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	intent, err := w.service.intend(context.Background(), order)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	before := w.read(intent.ID)
	w.emulator.SetFaults(emulator.Fault{Path: "/rooms", Kind: emulator.FaultError, Status: 401})
	claimed, err := w.service.claim(context.Background(), []models.RoomState{models.RoomCreating}, 1)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%v, %v", claimed, err)
	}
	w.service.reconcile(context.Background(), claimed[0])
	after := w.read(intent.ID)
	if *before.EndReason != models.EndNeverStarted || *after.EndReason != *before.EndReason || *after.EndedAt != *before.EndedAt || after.Revision != before.Revision {
		t.Errorf("the end changed: %+v, then %+v", before, after)
	}
}

// A call that this server's stop has cut off is none of Daily's failures: the next run makes it, at
// once and as if it had not been tried.
func TestAStopThatCutsACallOffCountsForNothing(t *testing.T) {
	t.Parallel()
	claimed := func(t *testing.T, w *world, state models.RoomState) *models.Session {
		t.Helper()
		rows, err := w.service.claim(context.Background(), []models.RoomState{state}, 1)
		if err != nil || len(rows) != 1 || rows[0].Room.State != state {
			t.Fatalf("%v, %v", rows, err)
		}
		return rows[0]
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	untouched := func(t *testing.T, w *world, before *models.Session) {
		t.Helper()
		w.service.reconcile(stopped, before)
		after, err := w.store.OperatorSession(context.Background(), before.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := *before
		want.Version++
		want.Room.Due = w.clock().Ptr()
		if diff := cmp.Diff(&want, after); diff != "" {
			t.Error(diff)
		}
	}

	t.Run("OfARoomThatIsMade", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
		order, err := newOrder(callerOf(w), CreateInput{AvatarID: w.avatar.ID}, w.clock())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.intend(context.Background(), order); err != nil { // its creator dies
			t.Fatal(err)
		}
		w.pass(giveUpRoom + time.Minute) // and the server is down for longer than a room is tried for
		row := claimed(t, w, models.RoomCreating)
		untouched(t, w, row)
		w.service.reconcile(context.Background(), claimed(t, w, models.RoomCreating))
		if got := w.read(row.ID); got.EndedAt != nil || got.Room.State != models.RoomReady {
			t.Errorf("the next run: %+v", got)
		}
	})
	t.Run("OfARoomThatIsTakenDown", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
		s := w.create(nil).Session
		// By another hand than the service's, whose own work goes on asleep.
		if _, err := OperatorEnd(context.Background(), w.store, w.clock, s.ID); err != nil {
			t.Fatal(err)
		}
		for _, room := range []models.Room{
			{State: models.RoomDeleting, Tries: 7}, {State: models.RoomEjecting}, {State: models.RoomEjecting, Tries: maxEjects},
		} {
			err := w.store.Write(context.Background(), func(tx *db.Tx) error {
				row, err := tx.Session(w.scope(), s.ID)
				if err != nil {
					return err
				}
				row.Room.State, row.Room.Tries = room.State, room.Tries
				return tx.Swap(row)
			})
			if err != nil {
				t.Fatal(err)
			}
			untouched(t, w, claimed(t, w, room.State))
		}
	})
	t.Run("OfARoomThatMayBeEmpty", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.left()
		w.pass(w.timings.EmptyGrace)
		rows, err := w.service.claimEmpty(context.Background())
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		if err := w.service.checkRoom(stopped, rows[0]); err == nil {
			t.Error("Daily was asked")
		}
		if got := w.read(s.ID); got.Room.Checks != 0 || got.Room.CheckDue == nil || *got.Room.CheckDue != w.clock() {
			t.Errorf("%+v", got)
		}
	})
}

func TestALostSessionThatRecoversInTimeIsNotEnded(t *testing.T) {
	t.Parallel()
	w := setup(t, withTimings(asleep))
	s := w.create(nil).Session
	row, err := w.service.handOver(context.Background(), s, "box", models.ActorAPIKey, true)
	if err != nil {
		t.Fatal(err)
	}
	ref := avatarserver.Ref{SessionID: s.ID, Generation: row.Assignment.Generation}
	if err := w.service.Ready(context.Background(), "box", ref); err != nil {
		t.Fatal(err)
	}
	w.service.Lost(context.Background(), "box", ref)
	seen := w.read(s.ID)
	w.pass(30 * time.Second)
	row, err = w.service.handOver(context.Background(), s, "other", models.ActorSystem, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.Ready(context.Background(), "other", avatarserver.Ref{SessionID: s.ID, Generation: row.Assignment.Generation}); err != nil {
		t.Fatal(err)
	}
	// What the sweep read before the recovery, it ends after it.
	if err := w.service.endLost(context.Background(), seen); err != nil {
		t.Fatal(err)
	}
	if got := w.read(s.ID); got.AvatarState != models.AvatarReady {
		t.Errorf("ended although it had recovered: %+v", got)
	}
}

func TestAnUnlimitedSessionDoesNotOutliveItsRoom(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.avatarServer(nil)
	s := w.start(w.create(nil).Session).Session
	if s.Expiration != nil || *s.Deadline != s.Room.Exp {
		t.Errorf("expiration %v, deadline %v, room until %v", s.Expiration, s.Deadline, s.Room.Exp)
	}
}

func TestAvatarsAreFreeWhileDailyIsDown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.avatarServer(nil)
	const n = 2 * claimRooms
	sessions := make([]*models.Session, n)
	for i := range sessions {
		sessions[i] = w.start(w.create(nil).Session).Session
	}
	w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultHang})
	for _, s := range sessions {
		if _, err := w.service.End(w.key(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.eventually("the avatar server is free", func() bool { return w.registry.Servers()[0].Sessions == 0 })
	w.emulator.SetFaults()
}

func TestARoomIsDeletedThoughDailyRefusesToEject(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.create(nil).Session
	w.emulator.SetFaults(emulator.Fault{Path: "/rooms/*/eject", Kind: emulator.FaultError, Status: 400})
	if _, err := w.service.End(w.key(), s.ID); err != nil {
		t.Fatal(err)
	}
	w.eventually("the room is gone", func() bool { return w.roomState(s.ID) == models.RoomGone })
}

func TestASessionThatCannotBeWarnedWarnsTheOthers(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, engine, withTimings(asleep), withPlan(models.Plan{Key: "pro", MaxSessionDuration: ptr(1800)}))
			first, odd, last := w.started(), w.started(), w.started()
			// The place of its next line on the timeline is taken.
			err := w.store.Write(context.Background(), func(tx *db.Tx) error {
				return tx.InsertEvent(&models.SessionEvent{
					AccountID: odd.AccountID, SessionID: odd.ID, Revision: odd.Revision + 1, ID: models.NewID(models.EventPrefix, epoch),
					Type: models.EventMetadataUpdated, At: epoch, Actor: models.ActorAPIKey,
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			w.pass(30*time.Minute - WarnBefore)
			if err := w.service.Sweep(context.Background()); err == nil {
				t.Error("the odd one was warned")
			}
			for _, s := range []*models.Session{first, last} {
				if types := w.eventTypes(s); types[len(types)-1] != models.EventExpiring {
					t.Errorf("timeline %v", types)
				}
			}
		})
	}
}

func TestALockedRowDoesNotStopTheSweep(t *testing.T) {
	t.Parallel()
	w := setup(t, onPostgres, withTimings(asleep))
	held, free := w.create(nil).Session, w.create(nil).Session
	w.pass(time.Hour)
	locked, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- w.store.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Session(w.scope(), held.ID)
			close(locked)
			<-release
			return err
		})
	}()
	<-locked
	if err := w.service.sweepDue(context.Background()); err != nil {
		t.Error(err)
	}
	if stored, err := w.store.OperatorSession(context.Background(), free.ID); err != nil || stored.EndedAt == nil {
		t.Errorf("the other due session: %+v, %v", stored, err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := w.service.sweepDue(context.Background()); err != nil {
		t.Error(err)
	}
	if stored, err := w.store.OperatorSession(context.Background(), held.ID); err != nil || stored.EndedAt == nil {
		t.Errorf("the one that was held: %+v, %v", stored, err)
	}
}
