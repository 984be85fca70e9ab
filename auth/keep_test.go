package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/models"
)

// within is how long a credential that is not valid any more may stay in use.
const within = 5 * time.Second

func revoke(v *vault) { v.key.RevokedAt = epoch.Ptr() }

func TestKeep(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(v *vault){
		"EndsWithARevokedKey":      revoke,
		"EndsWithAKeyThatIsGone":   func(v *vault) { v.key.Prefix = "gr_live_00000000" },
		"EndsWithARotatedToken":    func(v *vault) { v.token = "gr_sess_another" },
		"EndsLongAfterTheSession":  func(v *vault) { v.session.EndedAt = epoch.Add(-15*time.Minute - time.Millisecond).Ptr() },
		"OutlastsTheSessionsEnd":   func(v *vault) { v.session.EndedAt = epoch.Ptr() },
		"OutlastsADatabaseFailure": func(v *vault) { v.down = errors.New("connection refused") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := setup(t, "")
				byKey, doneKey := v.auth.Keep(t.Context(), v.secret.Text)
				byToken, doneToken := v.auth.Keep(t.Context(), v.token)
				defer doneKey()
				defer doneToken()
				time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
				synctest.Wait()
				if byKey.Err() != nil || byToken.Err() != nil {
					t.Fatalf("valid credentials ended: %v, %v", context.Cause(byKey), context.Cause(byToken))
				}
				v.change(spoil)
				time.Sleep(within) //nolint:forbidigo // the bubble's time
				synctest.Wait()
				for ctx, ends := range map[context.Context]bool{
					byKey:   name == "EndsWithARevokedKey" || name == "EndsWithAKeyThatIsGone",
					byToken: name == "EndsWithARotatedToken" || name == "EndsLongAfterTheSession",
				} {
					if (ctx.Err() != nil) != ends || (ends && !errors.Is(context.Cause(ctx), models.ErrUnauthenticated)) {
						t.Errorf("ended with %v, want an end: %t", context.Cause(ctx), ends)
					}
				}
			})
		})
	}

	t.Run("LooksOnceForAllHolders", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := setup(t, "")
			var held []context.Context
			for range 9_000 {
				ctx, done := v.auth.Keep(t.Context(), v.secret.Text)
				defer done()
				held = append(held, ctx)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			if n := v.looked.Load(); n < 60/5 || n > 60/3+1 {
				t.Errorf("looked %d times in a minute", n)
			}
			v.change(revoke)
			time.Sleep(within) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			for _, ctx := range held {
				if !errors.Is(context.Cause(ctx), models.ErrUnauthenticated) {
					t.Fatalf("one goes on: %v", context.Cause(ctx))
				}
			}
		})
	})

	t.Run("LooksNoMoreWhenNobodyHolds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := setup(t, "")
			one, doneOne := v.auth.Keep(t.Context(), v.secret.Text)
			two, doneTwo := v.auth.Keep(t.Context(), v.secret.Text)
			doneOne()
			if one.Err() == nil || two.Err() != nil {
				t.Errorf("after the first has gone: %v, %v", one.Err(), two.Err())
			}
			doneTwo()
			doneTwo()
			time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			if n := v.looked.Load(); n != 0 {
				t.Errorf("looked %d times", n)
			}
		})
	})

	t.Run("BeginsAnewAfterARefusal", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := setup(t, "")
			v.change(revoke)
			old, doneOld := v.auth.Keep(t.Context(), v.secret.Text)
			time.Sleep(within) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			v.change(func(v *vault) { v.key.RevokedAt = nil })
			young, doneYoung := v.auth.Keep(t.Context(), v.secret.Text)
			defer doneYoung()
			doneOld()
			time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			if old.Err() == nil || young.Err() != nil {
				t.Errorf("old %v, young %v", context.Cause(old), context.Cause(young))
			}
			v.change(revoke)
			time.Sleep(within) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			if young.Err() == nil {
				t.Error("nobody looks after the young one")
			}
		})
	})

	t.Run("SpreadsTheLooks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := setup(t, "")
			const many = 400
			for range many {
				_, done := v.auth.Keep(t.Context(), "gr_sess_"+models.NewID("x_", epoch))
				defer done()
			}
			// A quarter of the interval sees about a quarter of the looks.
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			if n := v.looked.Load(); n < many/8 || n > many/2 {
				t.Errorf("%d of %d looks in one second of four", n, many)
			}
		})
	})

	t.Run("LooksAtManyTogether", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := setup(t, "")
			v.all = true
			const many = 9_000
			var held []context.Context
			for i := range many {
				ctx, done := v.auth.Keep(t.Context(), fmt.Sprintf("gr_sess_%d", i))
				defer done()
				held = append(held, ctx)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			if looks, rounds := v.looked.Load(), v.rounds.Load(); looks < many*60/5 || looks > many*(60/3+1) || rounds > 3*600 {
				t.Errorf("looked at %d with %d statements in a minute", looks, rounds)
			}
			v.change(func(v *vault) { v.all = false })
			time.Sleep(within) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			for _, ctx := range held {
				if !errors.Is(context.Cause(ctx), models.ErrUnauthenticated) {
					t.Fatalf("one goes on: %v", context.Cause(ctx))
				}
			}
		})
	})

	t.Run("EndsInTimeThoughLooksAreSlow", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			v := setup(t, "")
			v.all, v.slow = true, 990*time.Millisecond
			var held []context.Context
			for i := range 400 {
				ctx, done := v.auth.Keep(t.Context(), fmt.Sprintf("gr_sess_%d", i))
				defer done()
				held = append(held, ctx)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
			v.change(func(v *vault) { v.all = false })
			time.Sleep(within) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			late := slices.DeleteFunc(slices.Clone(held), func(ctx context.Context) bool { return ctx.Err() != nil })
			if len(late) > 0 {
				t.Errorf("%d of %d go on", len(late), len(held))
			}
			time.Sleep(within) //nolint:forbidigo // looks end in the bubble
		})
	})

	t.Run("EndsWithItsParent", func(t *testing.T) {
		t.Parallel()
		v := setup(t, "")
		parent, cancel := context.WithCancelCause(t.Context())
		ctx, done := v.auth.Keep(parent, v.secret.Text)
		defer done()
		gone := errors.New("gone")
		cancel(gone)
		if !errors.Is(context.Cause(ctx), gone) {
			t.Errorf("ended with %v", context.Cause(ctx))
		}
	})
}
