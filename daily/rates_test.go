package daily_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

// TestRates holds the client's own limits against those of the emulator, which are Daily's.
func TestRates(t *testing.T) {
	t.Parallel()
	asDaily := func(o *options) {
		o.emulator.Limits = emulator.Limits{}
		o.client.Calls, o.client.Deletes = daily.Rate{}, daily.Rate{}
	}
	t.Run("NoCallIsEverTooMany", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultDelay, Delay: 700 * time.Millisecond, Probability: 0.5})
			began := time.Now()
			var all sync.WaitGroup
			for i := range 250 {
				all.Go(func() { w.create(fmt.Sprintf("s-%d", i)) })
			}
			all.Wait()
			if took := time.Since(began); took < 10*time.Second || took > 15*time.Second {
				w.Errorf("250 creates took %s, want 10 s and a bit", took)
			}
			began = time.Now()
			for i := range 120 {
				all.Go(func() {
					if err := w.client.DeleteRoom(w.Context(), fmt.Sprintf("s-%d", i)); err != nil {
						w.Error(err)
					}
				})
			}
			all.Wait()
			if took := time.Since(began); took < time.Minute || took > 65*time.Second {
				w.Errorf("120 deletes took %s, want a minute and a bit", took)
			}
			if n := w.count(func(e emulator.Entry) bool { return e.Status == 429 }); n != 0 {
				w.Errorf("%d calls were refused with 429", n)
			}
		}, asDaily)
	})
	t.Run("WhoCannotWaitIsToldAtOnceAndWhen", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			for i := range 50 {
				if err := w.client.DeleteRoom(w.Context(), fmt.Sprintf("s-%d", i)); err != nil {
					w.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(w.Context(), 15*time.Second)
			defer cancel()
			began := time.Now()
			err := w.client.DeleteRoom(ctx, "s-50")
			if failed := w.failure(err, false); failed.Status != 0 || time.Since(began) != 0 {
				w.Errorf("after %s: %+v", time.Since(began), failed)
			}
			if e, _ := errors.AsType[*models.Error](err); e.RetryAfter != 30*time.Second {
				w.Errorf("retry after %s, want 30s", e.RetryAfter)
			}
			// The other calls have a rate of their own.
			if _, err := w.client.Domain(ctx); err != nil || time.Since(began) != 0 {
				w.Errorf("after %s: %v", time.Since(began), err)
			}
		}, asDaily)
	})
}
