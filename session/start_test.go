package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/models"
)

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("SetsTheClocksAndAnswersTheStream", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(models.Plan{Key: "pro", MaxSessionDuration: ptr(14_400)}))
		w.avatarServer(nil)
		s := w.create(nil).Session
		w.pass(5 * time.Minute)
		started := w.start(s)
		got := started.Session
		at := epoch.Add(5 * time.Minute)
		if got.Status() != models.StatusStarted || got.AvatarState != models.AvatarReady || *got.StartedAt != at || *got.Expiration != at.Add(4*time.Hour) {
			t.Errorf("started: %+v", got)
		}
		if got.StartBy() != nil || got.Duration() != nil {
			t.Errorf("started: start by %v, duration %v", got.StartBy(), got.Duration())
		}
		if want := "wss://greenroom.example/v1/sessions/" + s.ID + "/stream"; *started.WSURI != want {
			t.Errorf("wsUri %s, want %s", *started.WSURI, want)
		}
		want := []models.EventType{models.EventCreated, models.EventRoomReady, models.EventStartRequested, models.EventStarted}
		if diff := cmp.Diff(want, w.eventTypes(s)); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("SixtyFourCallersStartItOnce", func(t *testing.T) {
		t.Parallel()
		for name, o := range map[string]option{"SQLite": func(*world) {}, "PostgreSQL": onPostgres} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := setup(t, o)
				w.avatarServer(func(c *sandbox.Config) { c.ReadyAfter = 100 * time.Millisecond })
				s := w.create(nil).Session
				var mu sync.Mutex
				answers := map[string]int{}
				parallel(64, func(int) {
					w.pass(time.Millisecond)
					started, err := w.service.Start(w.key(), s.ID)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					answers[*started.WSURI+started.Session.StartedAt.String()]++
				})
				if len(answers) != 1 {
					t.Errorf("answers: %v", answers)
				}
				starts := 0
				for _, e := range w.eventTypes(s) {
					if e == models.EventStarted || e == models.EventStartRequested {
						starts++
					}
				}
				if starts != 2 {
					t.Errorf("timeline: %v", w.eventTypes(s))
				}
			})
		}
	})

	t.Run("WithoutAnAvatarServerItWaits", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		refused, err := w.service.Start(w.key(), s.ID)
		if models.KindOf(err) != models.KindNoAvatarServer || refused.WSURI != nil || refused.Session.AvatarState != models.AvatarWaiting {
			t.Errorf("%+v, %v", refused, err)
		}
		w.avatarServer(nil)
		w.start(s)
	})

	t.Run("ASlowAvatarIsAWaitThatOneCanJoin", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(func(c *Timings) { c.StartWithin = 10 * time.Millisecond }))
		w.avatarServer(func(c *sandbox.Config) { c.ReadyAfter = 300 * time.Millisecond })
		s := w.create(nil).Session
		var early *Started
		var err error
		w.eventually("an avatar server has it", func() bool {
			early, err = w.service.Start(w.key(), s.ID)
			return early.Session.AvatarState != models.AvatarWaiting
		})
		refusal, _ := errors.AsType[*models.Error](err)
		if refusal == nil || refusal.Kind != models.KindAvatarNotReady || refusal.RetryAfter <= 0 || early.WSURI != nil {
			t.Fatalf("%+v, %v", early, err)
		}
		if early.Session.AvatarState != models.AvatarConnecting || early.Session.Status() != models.StatusCreated {
			t.Errorf("meanwhile: %+v", early.Session)
		}
		// Nobody asks any more: it goes on without its caller.
		w.eventually("the session has started", func() bool { return w.read(s.ID).Status() == models.StatusStarted })
		w.start(s)
	})

	t.Run("GivenUpItIsBackToWaiting", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(func(c *Timings) { c.GiveUpAfter = 50 * time.Millisecond }))
		w.avatarServer(func(c *sandbox.Config) { c.ReadyAfter = time.Hour })
		s := w.create(nil).Session
		refused, err := w.service.Start(w.key(), s.ID)
		if models.KindOf(err) != models.KindAvatarNotReady || refused.Session.AvatarState != models.AvatarWaiting || refused.Session.Status() != models.StatusCreated {
			t.Errorf("%+v, %v", refused, err)
		}
	})

	t.Run("ARefusalTriesTheNextAtOnce", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.avatarServer(func(c *sandbox.Config) {
			c.Instance, c.Capacity = "broken", 1000 // the least loaded, so the first
			c.Join = func(context.Context, avatarserver.Avatar, avatarserver.Room) (sandbox.Participant, error) {
				return nil, errors.New("no GPU")
			}
		})
		w.avatarServer(nil)
		s := w.create(nil).Session
		if got := w.start(s).Session; got.Assignment.Server != "box" {
			t.Errorf("assigned to %q", got.Assignment.Server)
		}
	})

	t.Run("EndedItCannotStart", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.avatarServer(nil)
		s := w.create(nil).Session
		if _, err := w.service.End(w.key(), s.ID); err != nil {
			t.Fatal(err)
		}
		refused, err := w.service.Start(w.key(), s.ID)
		if !errors.Is(err, models.ErrSessionEnded) || refused.WSURI != nil || refused.Session.Status() != models.StatusEnded {
			t.Errorf("%+v, %v", refused, err)
		}
	})

	t.Run("AnEndWinsOverAStartInProgress", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.avatarServer(func(c *sandbox.Config) { c.ReadyAfter = time.Hour })
		s := w.create(nil).Session
		done := make(chan error)
		go func() {
			_, err := w.service.Start(w.key(), s.ID)
			done <- err
		}()
		w.eventually("it is connecting", func() bool { return w.read(s.ID).AvatarState == models.AvatarConnecting })
		if _, err := w.service.End(w.key(), s.ID); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, models.ErrSessionEnded) {
			t.Errorf("the start: %v", err)
		}
		w.eventually("the avatar server is free", func() bool { return w.registry.Servers()[0].Sessions == 0 })
	})

	t.Run("UnknownAndForeignAreTheSame", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		other := w.otherAccount()
		s := w.create(nil).Session
		_, foreign := w.service.Start(other.ctx, s.ID)
		_, unknown := w.service.Start(w.key(), models.NewID(models.SessionPrefix, epoch))
		_, malformed := w.service.Start(w.key(), "1=1")
		if foreign.Error() != unknown.Error() || unknown.Error() != malformed.Error() || models.KindOf(foreign) != models.KindNotFound {
			t.Errorf("%v / %v / %v", foreign, unknown, malformed)
		}
	})
}

func TestAvatarServersComeAndGo(t *testing.T) {
	t.Parallel()

	t.Run("ARestartOfGreenroomLosesNoRunningAvatar", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		network := newRelay(t, w.avatars)
		w.avatarServer(func(c *sandbox.Config) { c.URL = network.addr })
		s := w.start(w.create(nil).Session).Session
		w.shutDown()
		w.boot()
		network.lead(w.avatars)
		ref := avatarserver.Ref{SessionID: s.ID, Generation: s.Assignment.Generation}
		w.eventually("the avatar server has come back with the session", func() bool { return w.registry.Carries(ref) })
		after := w.read(s.ID)
		if after.AvatarState != models.AvatarReady || after.Revision != s.Revision {
			t.Errorf("after the restart: %+v", after)
		}
	})

	t.Run("AReadyThatARestartSwallowedIsSaidAgain", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		network := newRelay(t, w.avatars)
		joining, joined := make(chan struct{}), make(chan struct{})
		w.avatarServer(func(c *sandbox.Config) {
			c.URL = network.addr
			c.Join = func(ctx context.Context, _ avatarserver.Avatar, _ avatarserver.Room) (sandbox.Participant, error) {
				close(joining)
				select {
				case <-joined:
				case <-ctx.Done():
				}
				return nil, nil
			}
		})
		s := w.create(nil).Session
		go func() { _, _ = w.service.Start(w.key(), s.ID) }()
		<-joining
		w.crash(network)
		close(joined)
		w.boot()
		network.lead(w.avatars)
		w.eventually("it has started", func() bool { return w.read(s.ID).Status() == models.StatusStarted })
	})

	t.Run("ALostAvatarIsReplaced", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(models.Plan{Key: "pro", MaxSessionDuration: ptr(3600)}))
		stop := w.avatarServer(nil)
		s := w.start(w.create(nil).Session).Session
		w.avatarServer(func(c *sandbox.Config) { c.Instance = "other" })
		stop()
		w.eventually("the other has it", func() bool {
			got := w.read(s.ID)
			return got.AvatarState == models.AvatarReady && got.Assignment.Server == "other"
		})
		events := w.eventTypes(s)
		want := []models.EventType{models.EventAvatarLost, models.EventAvatarRecovered}
		if diff := cmp.Diff(want, events[len(events)-2:]); diff != "" {
			t.Error(diff)
		}
		if got := w.read(s.ID); *got.StartedAt != *s.StartedAt || *got.Expiration != *s.Expiration {
			t.Errorf("the clocks moved: %+v", got)
		}
	})

	t.Run("WithoutAnotherTheSessionEndsAfterItsGrace", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		stop := w.avatarServer(nil)
		s := w.start(w.create(nil).Session).Session
		stop()
		w.eventually("it is lost", func() bool { return w.read(s.ID).AvatarState == models.AvatarLost })
		w.pass(30 * time.Second)
		w.eventually("it has ended", func() bool { return w.read(s.ID).Status() == models.StatusEnded })
		if got := w.read(s.ID); *got.EndReason != models.EndAvatarLost {
			t.Errorf("%+v", got)
		}
	})
}
