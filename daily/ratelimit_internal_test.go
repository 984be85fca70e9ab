package daily

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// call takes a place and, having called in no time, gives it back.
func (l *limiter) call(ctx context.Context) error {
	if err := l.acquire(ctx); err != nil {
		return err
	}
	l.release()
	return nil
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	t.Run("ABurstIsAllowedAndNoMore", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(DefaultCalls)
			began := time.Now()
			for i := range 201 {
				if err := l.call(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got, want := time.Since(began), time.Duration(i/100)*5*time.Second; got != want {
					t.Fatalf("call %d after %s, want %s", i, got, want)
				}
			}
		})
	})
	// However long each call is on its way, whoever counts arrivals never sees too many.
	t.Run("ArrivalsNeverExceedTheRate", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			rate := Rate{Count: 20, Per: 5 * time.Second}
			l := newLimiter(rate)
			var mu sync.Mutex
			var arrivals []time.Time
			var all sync.WaitGroup
			for range 300 {
				all.Go(func() {
					if err := l.acquire(t.Context()); err != nil {
						t.Error(err)
						return
					}
					defer l.release()
					<-time.After(rand.N(3 * time.Second))
					mu.Lock()
					arrivals = append(arrivals, time.Now())
					mu.Unlock()
					<-time.After(rand.N(3 * time.Second))
				})
			}
			all.Wait()
			slices.SortFunc(arrivals, time.Time.Compare)
			for i := rate.Count; i < len(arrivals); i++ {
				if span := arrivals[i].Sub(arrivals[i-rate.Count]); span < rate.Per {
					t.Fatalf("%d arrivals within %s", rate.Count+1, span)
				}
			}
			if took := arrivals[len(arrivals)-1].Sub(arrivals[0]); took > 3*time.Minute {
				t.Errorf("300 calls took %s: the rate is not used", took)
			}
		})
	})
	t.Run("FirstComeFirstServed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(Rate{Count: 1, Per: time.Second})
			var order []int
			var mu sync.Mutex
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					if err := l.acquire(t.Context()); err != nil {
						t.Error(err)
					}
					defer l.release()
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
				})
				synctest.Wait() // so that i is in the queue before i+1
			}
			all.Wait()
			if !slices.IsSorted(order) || len(order) != 20 {
				t.Errorf("order %v", order)
			}
		})
	})
	t.Run("AHopelessDeadlineFailsAtOnce", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(Rate{Count: 1, Per: 10 * time.Second})
			_ = l.call(t.Context())
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			defer cancel()
			err := l.acquire(ctx)
			noPlace, ok := errors.AsType[*noPlaceError](err)
			if !ok || noPlace.after != 10*time.Second || time.Since(began) != 0 {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			// One that can be met is waited for, though another stands in front.
			enough, cancel := context.WithTimeout(t.Context(), 21*time.Second)
			defer cancel()
			var all sync.WaitGroup
			all.Go(func() { _ = l.call(t.Context()) })
			synctest.Wait()
			if err := l.call(enough); err != nil || time.Since(began) != 20*time.Second {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			all.Wait()
		})
	})
	t.Run("WhoGivesUpLosesNobodyAPlace", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(Rate{Count: 1, Per: time.Second})
			_ = l.call(t.Context())
			began := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			quit := make(chan error, 1)
			go func() { quit <- l.acquire(ctx) }()
			synctest.Wait()
			var all sync.WaitGroup
			all.Go(func() {
				if err := l.call(t.Context()); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			cancel()
			if err := <-quit; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the cancellation", err)
			}
			all.Wait()
			if took := time.Since(began); took != time.Second {
				t.Errorf("the next waited %s, want 1s", took)
			}
		})
	})
	t.Run("APauseHoldsEverybody", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(DefaultCalls)
			l.pause(7 * time.Second)
			l.pause(time.Second) // never shortens
			began := time.Now()
			var waits []time.Duration
			for range 2 {
				_ = l.call(t.Context())
				waits = append(waits, time.Since(began))
			}
			if diff := cmp.Diff([]time.Duration{7 * time.Second, 7 * time.Second}, waits); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	})
	t.Run("NoLimitIsNoWait", func(t *testing.T) {
		t.Parallel()
		l := newLimiter(Rate{Count: -1})
		l.pause(time.Hour)
		for range 1000 {
			if err := l.call(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
