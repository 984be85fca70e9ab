package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/avatarserver/sandbox"
)

// drainWithin is what contract and --drain-time promise.
const drainWithin = 10 * time.Second

const keyedCreate = `mutation ($avatar: ID!, $key: String!) {
	createSession(input: {avatarId: $avatar, idempotencyKey: $key}) { session { id } accessToken userErrors { code } }
}`

// An answered create is one that the caller was told of.
type answeredCreate struct{ key, id, token string }

// keepCreating creates under keys of its own until a create is refused or goes unanswered.
func (s *site) keepCreating(name string, told func(answeredCreate)) {
	for n := 0; ; n++ {
		key := fmt.Sprintf("%s-%d", name, n)
		got, err := s.try(http.MethodPost, "/graphql", operation(keyedCreate, vars{"avatar": s.avatar, "key": key}),
			"Content-Type", "application/json", "X-Api-Key", s.key)
		if err != nil || got.code() == "UNAVAILABLE" {
			return
		}
		id := text(got.Data, "createSession.session.id")
		if got.status != http.StatusOK || id == "" {
			s.t.Errorf("a create was answered %d %s", got.status, got.body)
			return
		}
		told(answeredCreate{key, id, text(got.Data, "createSession.accessToken")})
	}
}

// TestDrain stops servers that have work in hand.
func TestDrain(t *testing.T) {
	t.Parallel()
	t.Run("LosesNoAnsweredCreateUnderLoad", func(t *testing.T) {
		t.Parallel()
		// Daily's own rate is 100 calls in 5 s: this makes fewer, before and after.
		const callers, enough = 6, 24
		flags := []string{"--database=" + sqlite(t), `--plans={"pro": {}}`}
		s := serve(t, flags...)
		var mu sync.Mutex
		var known []answeredCreate
		reached := make(chan struct{})
		var load sync.WaitGroup
		for caller := range callers {
			load.Go(func() {
				s.keepCreating(fmt.Sprint(caller), func(a answeredCreate) {
					mu.Lock()
					defer mu.Unlock()
					if known = append(known, a); len(known) == enough {
						close(reached)
					}
				})
			})
		}
		<-reached
		began := time.Now()
		s.stop()
		if took := time.Since(began); took > drainWithin {
			t.Errorf("draining took %s", took)
		}
		load.Wait()

		s = serve(t, flags...)
		ids := map[string]bool{}
		for _, a := range known {
			seen := s.must(a.token, `{ viewer { session { id status } } }`, nil)
			if ids[a.id] || text(seen, "viewer.session.id") != a.id || text(seen, "viewer.session.status") != "CREATED" {
				t.Errorf("%s: its token reads %v", a.id, seen)
			}
			ids[a.id] = true
			again := s.must(s.key, keyedCreate, vars{"avatar": s.avatar, "key": a.key})
			if text(again, "createSession.session.id") != a.id || text(again, "createSession.accessToken") != a.token {
				t.Errorf("key %s made %s and now answers %v", a.key, a.id, again)
			}
		}
	})
	t.Run("FinishesWhatIsUnderWay", func(t *testing.T) {
		t.Parallel()
		flags := []string{"--database=" + sqlite(t)}
		s := serve(t, flags...)
		s.request("POST", s.daily+"/_/faults", `{"kind": "delay", "method": "POST", "path": "/rooms", "delayMs": 500}`)
		var got *reply
		var err error
		var create sync.WaitGroup
		create.Go(func() {
			got, err = s.try(http.MethodPost, "/graphql", operation(keyedCreate, vars{"avatar": s.avatar, "key": "slow"}),
				"Content-Type", "application/json", "X-Api-Key", s.key)
		})
		until(t, "Daily is making the room", func() bool {
			return strings.Contains(s.get(s.daily+"/_/faults").body, `"hits":1`)
		})
		s.stop()
		create.Wait()
		if err != nil {
			t.Fatal(err)
		}
		id := text(got.Data, "createSession.session.id")
		if got.status != http.StatusOK || id == "" {
			t.Fatalf("answered %d %s", got.status, got.body)
		}
		s = serve(t, flags...)
		if again := s.must(s.key, keyedCreate, vars{"avatar": s.avatar, "key": "slow"}); text(again, "createSession.session.id") != id {
			t.Errorf("the key made %s and now answers %v", id, again)
		}
	})
	t.Run("SendsAwayWhoWaitsForAnAvatar", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := p.serve()
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			err := sandbox.Run(ctx, sandbox.Config{URL: s.url, Key: p.avatarKey, Instance: "slow", Capacity: 1, ReadyAfter: time.Hour})
			if err != nil {
				t.Errorf("avatar server: %v", err)
			}
		})
		t.Cleanup(func() { cancel(); running.Wait() })
		of := s.create(nil)
		start := operation(`mutation ($id: ID!) { startSession(input: {id: $id}) { session { status } userErrors { code retryAfter } } }`, vars{"id": of.id})
		state := func() string {
			return text(s.must(of.token, `{ viewer { session { avatarState } } }`, nil), "viewer.session.avatarState")
		}
		var got *reply
		var err error
		until(t, "the avatar server has dialled in", func() bool {
			return strings.Contains(s.get(s.first["metrics"]).body, "greenroom_avatar_servers 1\n")
		})
		running.Go(func() {
			got, err = s.try(http.MethodPost, "/graphql", start, "Content-Type", "application/json", "X-Api-Key", of.token)
		})
		until(t, "the avatar is on its way", func() bool { return state() == "CONNECTING" })
		began := time.Now()
		s.stop()
		if took := time.Since(began); took > drainWithin {
			t.Errorf("draining took %s", took)
		}
		cancel()
		running.Wait()
		if err != nil || text(got.Data, "startSession.userErrors.0.code") != "AVATAR_NOT_READY" || count(got.Data, "startSession.userErrors.0.retryAfter") < 1 {
			t.Errorf("answered %+v, %v", got, err)
		}
	})
	t.Run("IsNeverReadyAgain", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		s.cancel()
		until(t, "not ready", func() bool {
			got, err := s.try(http.MethodGet, "/readyz", "")
			return err != nil || got.status == http.StatusServiceUnavailable
		})
		// From here on a load balancer sends nothing here any more.
		if got, err := s.try(http.MethodGet, "/readyz", ""); err == nil && got.status == http.StatusOK {
			t.Error("ready again")
		}
	})
	t.Run("KeepsASessionThatRuns", func(t *testing.T) {
		t.Parallel()
		flags := []string{"--database=" + sqlite(t)}
		s := serve(t, flags...)
		of := s.create(nil)
		s.start(of.token, of.id)
		s.stop()
		s = serve(t, flags...)
		seen := s.must(of.token, `{ viewer { session { status } } }`, nil)
		if text(seen, "viewer.session.status") != "STARTED" {
			t.Errorf("after a restart: %v", seen)
		}
	})
}
