package session

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"greenroom/avatarserver"
	"greenroom/models"
)

// TestMatrix25TheClockJumps sets the clock forth and back while sessions run.
func TestMatrix25TheClockJumps(t *testing.T) {
	t.Parallel()
	t.Run("DeadlinesAreItsInstants", func(t *testing.T) {
		t.Parallel()
		anyHistory(t)
	})

	t.Run("AGraceLastsWhenItIsSetForward", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		empty, s := w.left(), w.lost()
		w.jump(time.Hour)
		w.lasts(s, w.timings.LostGrace, models.EndAvatarLost)
		w.lasts(empty, w.timings.EmptyGrace-w.timings.LostGrace, models.EndParticipantsLeft)
	})

	t.Run("AGraceLastsNoLongerWhenItIsSetBack", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		empty, s := w.left(), w.lost()
		w.jump(-time.Hour)
		w.lasts(s, w.timings.LostGrace, models.EndAvatarLost)
		w.lasts(empty, w.timings.EmptyGrace-w.timings.LostGrace, models.EndParticipantsLeft)
	})

	t.Run("AGraceLastsWhenItIsSetForwardAndBack", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		empty, s := w.left(), w.lost()
		w.jump(time.Hour)
		w.look(s, true)
		w.check()
		w.jump(-time.Hour)
		w.lasts(s, w.timings.LostGrace, models.EndAvatarLost)
		w.lasts(empty, w.timings.EmptyGrace-w.timings.LostGrace, models.EndParticipantsLeft)
	})

	t.Run("ALostAvatarIsSoughtWhenItIsSetBack", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.lost()
		w.jump(-time.Hour)
		w.avatarServer(nil)
		if err := w.service.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.eventually("another has it", func() bool { return w.read(s.ID).AvatarState == models.AvatarReady })
	})

	t.Run("ASearchThatDiedIsGivenUpWhenItIsSetBack", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.create(nil).Session
		if _, err := w.service.handOver(context.Background(), s, "dead", models.ActorAPIKey, true); err != nil {
			t.Fatal(err)
		}
		w.jump(-time.Hour)
		for _, step := range []struct {
			after time.Duration
			state models.AvatarState
		}{{0, models.AvatarConnecting}, {w.timings.GiveUpAfter - 1, models.AvatarConnecting}, {1, models.AvatarWaiting}} {
			w.pass(step.after)
			if got := w.look(s, true).AvatarState; got != step.state {
				t.Errorf("%s later it is %s", step.after, got)
			}
		}
	})
}

// lost is a running session whose avatar server has just gone, and no other is there.
func (w *world) lost() *models.Session {
	w.t.Helper()
	s := w.started()
	w.service.Lost(context.Background(), "box", avatarserver.Ref{SessionID: s.ID, Generation: s.Assignment.Generation})
	w.eventually("the first search is over", func() bool { return !w.service.isStarting(s.ID) })
	return s
}

// lasts checks that a session goes on for so long, and no longer.
func (w *world) lasts(s *models.Session, d time.Duration, reason models.EndReason) {
	w.t.Helper()
	for _, step := range []struct {
		after time.Duration
		ended bool
	}{{0, false}, {d - time.Millisecond, false}, {time.Millisecond, true}} {
		w.pass(step.after)
		w.check()
		got := w.look(s, true)
		if (got.EndedAt != nil) != step.ended || step.ended && *got.EndReason != reason {
			w.t.Errorf("%s later: %+v", step.after, got)
		}
	}
}

// anyHistory: whatever the clock does, no session ends before its deadline nor lives after it, an
// end stays where it was put, and no duration is negative.
func anyHistory(t *testing.T) {
	t.Helper()
	w := setup(t,
		withPlan(models.Plan{Key: "pro", MaxSessionDuration: ptr(1800)}),
		withTimings(func(c *Timings) { c.StartWindow = 20 * time.Minute; c.Sweep = 5 * time.Millisecond }))
	w.avatarServer(nil)
	jumps := []time.Duration{
		time.Hour, -time.Hour, time.Second, -time.Second, time.Millisecond, -time.Millisecond, // the last two are leap seconds smeared
		20 * time.Minute, 30 * time.Minute, -20 * time.Minute, -26 * time.Hour, 25 * time.Hour,
	}
	expired, setBack := 0, 0
	for seed := range uint64(8) {
		chance := rand.New(rand.NewPCG(seed, 25))
		seen := map[string]*models.Session{}
		for range 12 {
			switch chance.IntN(5) {
			case 0:
				s := w.create(nil).Session
				seen[s.ID] = s
			case 1:
				s := w.start(w.create(nil).Session).Session
				seen[s.ID] = s
			case 2:
				for id := range seen {
					if _, err := w.service.End(w.key(), id); err != nil {
						t.Fatalf("seed %d: end: %v", seed, err)
					}
					break
				}
			default:
				jump := jumps[chance.IntN(len(jumps))]
				w.jump(jump)
				if jump < 0 {
					setBack++
				}
			}
			if err := w.service.Sweep(context.Background()); err != nil {
				t.Fatalf("seed %d: sweep: %v", seed, err)
			}
			for id, before := range seen {
				stored, err := w.store.OperatorSession(context.Background(), id)
				if err != nil {
					t.Fatal(err)
				}
				if sound(t, w.clock(), before, stored) {
					expired++
				}
				seen[id] = stored
			}
		}
	}
	if expired == 0 || setBack == 0 {
		t.Errorf("%d sessions expired, the clock was set back %d times: nothing was tried", expired, setBack)
	}
}

// sound checks one session as it is stored after a sweep at now, and tells whether it has just
// expired.
func sound(t *testing.T, now models.Time, before, s *models.Session) (expired bool) {
	t.Helper()
	due := s.Deadline != nil && *s.Deadline <= now
	switch {
	case before.EndedAt != nil:
		if s.EndedAt == nil || *s.EndedAt != *before.EndedAt || *s.EndReason != *before.EndReason {
			t.Errorf("the end changed: %+v, then %+v", before, s)
		}
	case s.EndedAt == nil:
		if due {
			t.Errorf("at %s it is live, and was due at %s", now, s.Deadline)
		}
		return false
	case *s.EndReason != models.EndClient:
		if !due {
			t.Errorf("at %s it has ended as %s, and is due at %s", now, *s.EndReason, s.Deadline)
		}
		if want := max(*s.Deadline, s.CreatedAt); *s.EndedAt != want {
			t.Errorf("it ended at %s, and was due at %s", s.EndedAt, want)
		}
		expired = true
	}
	if *s.EndedAt < s.CreatedAt || s.StartedAt != nil && *s.EndedAt < *s.StartedAt || *s.Duration() < 0 {
		t.Errorf("it ended before it began: %+v", s)
	}
	return expired
}
