package session

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"greenroom/models"
)

// TestMatrix25TheClockJumps sets the clock forth and back while sessions run. Whatever it does:
// none ends before its deadline nor lives after it, an end stays where it was put, and no duration
// is negative.
func TestMatrix25TheClockJumps(t *testing.T) {
	t.Parallel()
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
				w.pass(jump)
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
