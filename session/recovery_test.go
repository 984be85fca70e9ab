package session

import (
	"context"
	"testing"
	"time"

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
