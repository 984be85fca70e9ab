package avatarserver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
	"greenroom/models"
)

func TestDispatch(t *testing.T) {
	t.Parallel()

	t.Run("HandsOverTheSessionAndItsRoom", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "gpu-1", 1)
		done, chosen := h.dispatch(t.Context(), "s1", 7)
		got := p.take()
		want := avatarserver.Assign{
			Address: avatarserver.Address{SessionID: "s1", Generation: 7},
			Avatar:  assignment(7).Avatar, Room: assignment(7).Room,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if got := wait(t, done); got.err != nil || got.ref != (ref{SessionID: "s1", Generation: 7}) {
			t.Errorf("got %+v", got)
		}
		h.ledger.expect(t, "ready gpu-1 s1 7")
		if d := cmp.Diff([]string{"gpu-1"}, *chosen); d != "" {
			t.Error(d)
		}
	})

	t.Run("NoServerIsNoAvatarServer", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		done, chosen := h.dispatch(t.Context(), "s1", 1)
		if got := wait(t, done); !isKind(got.err, models.KindNoAvatarServer) {
			t.Errorf("got %v", got.err)
		}
		if len(*chosen) != 0 {
			t.Errorf("handed over to %v", *chosen)
		}
	})

	t.Run("OnlyToAServerThatHasTheAvatarAndAPlace", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		other := h.connect(t)
		greeting := hello("other", 9)
		greeting.Avatars = avatarserver.Avatars{IDs: []string{"avat_2"}}
		other.send(greeting)
		expect[avatarserver.Welcome](other)
		h.hello(t, "none", 0)
		full, _ := h.hello(t, "full", 1)
		h.started(t, full, "s0")
		done, chosen := h.dispatch(t.Context(), "s1", 1)
		if got := wait(t, done); !isKind(got.err, models.KindNoAvatarServer) || len(*chosen) != 0 {
			t.Errorf("got %v over %v", got.err, *chosen)
		}
	})

	t.Run("ADrainingServerGetsNothingNew", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "gpu-1", 5)
		s0 := h.started(t, p, "s0")
		p.send(avatarserver.Drain{})
		// What was sent after it has been handled: so has the drain.
		p.send(avatarserver.Lost{Address: avatarserver.Address(s0)})
		h.ledger.expect(t, "ready gpu-1 s0 1")
		h.ledger.expect(t, "lost gpu-1 s0 1")
		done, chosen := h.dispatch(t.Context(), "s1", 1)
		if got := wait(t, done); !isKind(got.err, models.KindNoAvatarServer) || len(*chosen) != 0 {
			t.Errorf("got %v over %v", got.err, *chosen)
		}
	})

	t.Run("TheLeastLoadedIsChosen", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		small, _ := h.hello(t, "small", 2)
		big, _ := h.hello(t, "big", 8)
		got := map[string]int{}
		for i := range 10 {
			done, chosen := h.dispatch(t.Context(), fmt.Sprintf("s%d", i), 1)
			until(t, "a hand-over", func() bool { return load(h) == i+1 })
			if (*chosen)[0] == "small" {
				small.take()
			} else {
				big.take()
			}
			if o := wait(t, done); o.err != nil {
				t.Fatal(o.err)
			}
			got[(*chosen)[0]]++
			// The share in use decides, not the number.
			if got["small"] > got["big"]/4+1 || got["big"] > got["small"]*4+4 {
				t.Fatalf("after %d: %v", i+1, got)
			}
		}
		if d := cmp.Diff(map[string]int{"small": 2, "big": 8}, got); d != "" {
			t.Error(d)
		}
	})

	t.Run("DispatchesAtTheSameTimeSpread", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		h.hello(t, "gpu-1", 2)
		h.hello(t, "gpu-2", 2)
		ctx, cancel := context.WithCancel(t.Context())
		chosen, gate := make(chan string, 4), make(chan struct{})
		done := make(chan struct{}, 4)
		for i := range 4 {
			go func() {
				_, _ = h.Dispatch(ctx, fmt.Sprintf("s%d", i), "avat_1", func(_ context.Context, server string) (avatarserver.Assignment, error) {
					chosen <- server
					<-gate
					return assignment(1), nil
				})
				done <- struct{}{}
			}()
		}
		got := map[string]int{}
		for range 4 {
			got[wait(t, chosen)]++
		}
		if d := cmp.Diff(map[string]int{"gpu-1": 2, "gpu-2": 2}, got); d != "" {
			t.Error(d)
		}
		close(gate)
		cancel()
		for range 4 {
			wait(t, done)
		}
	})

	t.Run("ARefusalTriesTheNextAtOnce", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		first, _ := h.hello(t, "a", 1)
		second, _ := h.hello(t, "b", 1)
		done, chosen := h.dispatch(t.Context(), "s1", 1)
		a := expect[avatarserver.Assign](first)
		first.send(avatarserver.Refused{Address: a.Address, Reason: "no memory"})
		second.take()
		if got := wait(t, done); got.err != nil || got.ref.Generation != 2 {
			t.Errorf("got %+v", got)
		}
		if d := cmp.Diff([]string{"a", "b"}, *chosen); d != "" {
			t.Error(d)
		}
		// Ready after all, but too late: stale.
		first.send(avatarserver.Ready{Address: a.Address})
		first.send(avatarserver.Lost{Address: a.Address})
		h.ledger.expect(t, "ready b s1 2")
		h.hello(t, "a", 1)
		h.ledger.quiet(t)
	})

	t.Run("WhenAllRefuseThereIsNoAvatarServer", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		done, _ := h.dispatch(t.Context(), "s1", 1)
		p.send(avatarserver.Refused{Address: expect[avatarserver.Assign](p).Address})
		if got := wait(t, done); !isKind(got.err, models.KindNoAvatarServer) {
			t.Errorf("got %v", got.err)
		}
	})

	t.Run("ALossTriesTheNextAndIsNoNews", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		first, _ := h.hello(t, "a", 1)
		second, _ := h.hello(t, "b", 1)
		done, _ := h.dispatch(t.Context(), "s1", 1)
		first.send(avatarserver.Lost{Address: expect[avatarserver.Assign](first).Address})
		second.take()
		if got := wait(t, done); got.err != nil || got.ref.Generation != 2 {
			t.Errorf("got %+v", got)
		}
		h.ledger.quiet(t)
	})

	t.Run("ABrokenConnectionThatComesBackGoesOn", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		done, chosen := h.dispatch(t.Context(), "s1", 1)
		a := expect[avatarserver.Assign](p)
		_ = p.ws.CloseNow()
		p, _ = h.hello(t, "a", 1, ref(a.Address))
		p.send(avatarserver.Ready{Address: a.Address})
		if got := wait(t, done); got.err != nil || len(*chosen) != 1 {
			t.Errorf("got %+v over %v", got, *chosen)
		}
	})

	t.Run("TheSessionMayNotWantItAnyMore", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		h.ledger.refuse = models.ErrSessionEnded
		p, _ := h.hello(t, "a", 1)
		done, _ := h.dispatch(t.Context(), "s1", 1)
		a := p.take()
		if got := wait(t, done); !errors.Is(got.err, models.ErrSessionEnded) {
			t.Errorf("got %v", got.err)
		}
		if got := expect[avatarserver.Release](p); got.Address != a.Address {
			t.Errorf("released %v", got)
		}
	})

	t.Run("HandOverErrorEndsIt", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		_, err := h.Dispatch(t.Context(), "s1", "avat_1", func(context.Context, string) (avatarserver.Assignment, error) {
			return avatarserver.Assignment{}, models.ErrSessionEnded
		})
		if !errors.Is(err, models.ErrSessionEnded) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
		// The place it held is free again.
		h.started(t, p, "s2")
	})

	t.Run("AnEndedContextTakesTheSessionBack", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		ctx, cancel := context.WithCancel(t.Context())
		done, _ := h.dispatch(ctx, "s1", 1)
		a := expect[avatarserver.Assign](p)
		cancel()
		if got := wait(t, done); !errors.Is(got.err, context.Canceled) {
			t.Errorf("got %v", got.err)
		}
		if got := expect[avatarserver.Release](p); got.Address != a.Address {
			t.Errorf("released %v", got)
		}
		if h.Carries(ref(a.Address)) {
			t.Error("still carried")
		}
	})

	t.Run("AnEndedContextWaitsForTheSessionsAnswer", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		h.ledger.hesitate = make(chan struct{})
		p, _ := h.hello(t, "a", 1)
		ctx, cancel := context.WithCancel(t.Context())
		done, _ := h.dispatch(ctx, "s1", 1)
		a := p.take()
		h.ledger.expect(t, "asked a s1 1")
		cancel()
		close(h.ledger.hesitate)
		if got := wait(t, done); got.err != nil {
			t.Errorf("got %v", got.err)
		}
		if !h.Carries(ref(a.Address)) {
			t.Error("a started session lost its avatar")
		}
	})

	t.Run("AReleaseEndsIt", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		done, _ := h.dispatch(t.Context(), "s1", 1)
		a := expect[avatarserver.Assign](p)
		h.Release(ref(a.Address))
		if got := wait(t, done); !errors.Is(got.err, avatarserver.ErrReleased) {
			t.Errorf("got %v", got.err)
		}
	})

	t.Run("DrainingEndsItAndReleasesNothing", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		done, _ := h.dispatch(t.Context(), "s1", 1)
		expect[avatarserver.Assign](p)
		stopped := make(chan struct{})
		go func() { h.stop(t); close(stopped) }()
		if got := wait(t, done); !isKind(got.err, models.KindUnavailable) {
			t.Errorf("got %v", got.err)
		}
		if f, err := p.read(); err == nil {
			t.Errorf("got %+v", f)
		}
		wait(t, stopped)
		done, _ = h.dispatch(t.Context(), "s1", 2)
		if got := wait(t, done); !isKind(got.err, models.KindUnavailable) {
			t.Errorf("got %v", got.err)
		}
	})
}

func load(h *harness) (n int) {
	for _, s := range h.Servers() {
		n += s.Sessions
	}
	return n
}

func TestLost(t *testing.T) {
	t.Parallel()

	t.Run("IsToldOnceAfterReady", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		p.send(avatarserver.Lost{Address: avatarserver.Address(s1), Reason: "out of memory"})
		p.send(avatarserver.Lost{Address: avatarserver.Address(s1)})
		h.ledger.expect(t, "ready a s1 1")
		h.ledger.expect(t, "lost a s1 1")
		// A later session's ready shows that the second word has been read.
		h.started(t, p, "s2")
		h.ledger.expect(t, "ready a s2 1")
		h.ledger.quiet(t)
	})

	t.Run("ComesAfterTheReadyThatIsStillBeingAnswered", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		h.ledger.hesitate = make(chan struct{})
		p, _ := h.hello(t, "a", 1)
		done, _ := h.dispatch(t.Context(), "s1", 1)
		a := p.take()
		h.ledger.expect(t, "asked a s1 1")
		p.send(avatarserver.Lost{Address: a.Address})
		until(t, "the loss is known", func() bool { return !h.Carries(ref(a.Address)) })
		close(h.ledger.hesitate)
		h.ledger.expect(t, "ready a s1 1")
		h.ledger.expect(t, "lost a s1 1")
		if got := wait(t, done); got.err != nil {
			t.Errorf("got %v", got.err)
		}
	})

	t.Run("AServerThatComesBackWithoutItHasLostIt", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 2)
		s1, s2 := h.started(t, p, "s1"), h.started(t, p, "s2")
		_ = p.ws.CloseNow()
		_, w := h.hello(t, "a", 2, s2)
		if d := cmp.Diff([]ref{s2}, w.Keep); d != "" {
			t.Error(d)
		}
		until(t, "lost", func() bool { return len(h.ledger.news) == 5 })
		h.ledger.expect(t, "ready a s1 1")
		h.ledger.expect(t, "ready a s2 1")
		h.ledger.expect(t, "lost a s1 1")
		if h.Carries(s1) || !h.Carries(s2) {
			t.Error("carries the wrong one")
		}
	})

	t.Run("StaleWordIsDropped", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		a, _ := h.hello(t, "a", 1)
		b, _ := h.hello(t, "b", 1)
		s1 := h.started(t, a, "s1")
		other := avatarserver.Address{SessionID: "s1", Generation: 2}
		// Of another generation, and from another server.
		a.send(avatarserver.Lost{Address: other})
		b.send(avatarserver.Lost{Address: avatarserver.Address(s1)})
		b.send(avatarserver.Refused{Address: avatarserver.Address(s1)})
		a.send(avatarserver.Ready{Address: other})
		h.hello(t, "a", 1, s1)
		h.hello(t, "b", 1)
		h.ledger.expect(t, "ready a s1 1")
		h.ledger.quiet(t)
		if !h.Carries(s1) {
			t.Error("lost")
		}
	})

	t.Run("ANewerHandOverReleasesTheOlder", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		a, _ := h.hello(t, "a", 1)
		s1 := h.started(t, a, "s1")
		b, _ := h.hello(t, "b", 1)
		done, _ := h.dispatch(t.Context(), "s1", 2)
		b.take()
		if got := wait(t, done); got.err != nil {
			t.Fatal(got.err)
		}
		if got := expect[avatarserver.Release](a); ref(got.Address) != s1 {
			t.Errorf("released %v", got)
		}
		h.Release(s1)
		if h.Carries(s1) || !h.Carries(ref{SessionID: "s1", Generation: 2}) {
			t.Error("carries the wrong one")
		}
	})
}

func TestRelease(t *testing.T) {
	t.Parallel()

	t.Run("WhileDisconnectedIsSaidAtTheNextHello", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		_ = p.ws.CloseNow()
		until(t, "disconnected", func() bool { return !h.connected("a") })
		h.ledger.carried = []ref{s1}
		h.Release(s1)
		_, w := h.hello(t, "a", 1, s1)
		if d := cmp.Diff([]ref{s1}, w.Release); d != "" {
			t.Error(d)
		}
		h.ledger.expect(t, "ready a s1 1")
		h.ledger.quiet(t)
	})

	t.Run("OfWhatNobodyHasIsNothing", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		for _, other := range []ref{{SessionID: "s9", Generation: 1}, {SessionID: "s1", Generation: 2}} {
			h.Release(other)
		}
		if !h.Carries(s1) {
			t.Error("another's session was released")
		}
		h.Release(s1)
		if got := expect[avatarserver.Release](p); ref(got.Address) != s1 {
			t.Errorf("the first to be released is %v", got)
		}
	})

	t.Run("FreesThePlace", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		h.Release(h.started(t, p, "s1"))
		expect[avatarserver.Release](p)
		h.started(t, p, "s2")
	})
}
