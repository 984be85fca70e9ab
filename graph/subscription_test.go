package graph_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"greenroom/auth"
	"greenroom/models"
)

// A subscriber hears a subscription's answers as they come.
type subscriber struct {
	t     testing.TB
	lines *bufio.Scanner
}

// subscribe opens an event stream over a real connection until the test ends.
func (w *world) subscribe(caller *auth.Caller, query string, variables vars) *subscriber {
	w.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.handler.ServeHTTP(rw, r.WithContext(auth.WithCaller(r.Context(), caller)))
	}))
	if caller == nil {
		server.Config.Handler = w.handler
	}
	ctx, cancel := context.WithCancel(context.Background())
	body, err := json.Marshal(vars{"query": query, "variables": variables})
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { cancel(); _ = got.Body.Close(); server.Close() })
	return &subscriber{w.t, bufio.NewScanner(got.Body)}
}

// next is the next answer; nil when the subscription is over.
func (s *subscriber) next() *answer {
	s.t.Helper()
	event := ""
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch {
		case field == "event":
			event = value
		case field == "data" && event == "next":
			got := &answer{body: value}
			if err := json.Unmarshal([]byte(value), got); err != nil {
				s.t.Fatalf("%q: %v", value, err)
			}
			return got
		case event == "complete":
			return nil
		}
	}
	s.t.Fatalf("the stream broke: %v", s.lines.Err())
	return nil
}

// must is the next answer's data, without errors.
func (s *subscriber) must() map[string]any {
	s.t.Helper()
	got := s.next()
	if got == nil || len(got.Errors) > 0 {
		s.t.Fatalf("got %+v", got)
	}
	return got.Data
}

// subscriptions are how to ask each root field of Subscription, as reads are for Query.
var subscriptions = map[string]string{
	"sessionUpdated": `sessionUpdated(id: "SESSION") { id }`,
	"sessionChanges": `sessionChanges(filter: {avatarId: ["AVATAR"]}) { reset changed { id } entered { node { id } } leftIds }`,
	"accountUpdated": `accountUpdated { id concurrency { holders { id } } apiKeys { nodes { id } } }`,
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	t.Run("RefusesWhomItIsNotFor", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		mine := w.newSession(w.mine, w.avatar.ID)
		foreign := ids{session: mine.ID, avatar: w.avatar.ID}
		absent := ids{session: models.NewID(models.SessionPrefix, epoch), avatar: models.NewID(models.AvatarPrefix, epoch)}
		sibling := tokenOf(w.newSession(w.mine, w.avatar.ID))
		for _, field := range readSchema(t).Subscription.Fields {
			document := "subscription { " + subscriptions[field.Name] + " }"
			first := func(caller *auth.Caller, named ids) *answer {
				got := w.subscribe(caller, named.fill(document), nil).next()
				for _, id := range []string{mine.ID, w.mine.AccountID} {
					if strings.Contains(got.body, id) {
						t.Errorf("%s shows %s: %s", field.Name, id, got.body)
					}
				}
				return got
			}
			if got := first(nil, foreign); got.code() != "UNAUTHENTICATED" {
				t.Errorf("%s answers nobody %s", field.Name, got.body)
			}
			forToken, forOther := "FORBIDDEN", ""
			if field.Name == "sessionUpdated" {
				forToken, forOther = "NOT_FOUND", "NOT_FOUND"
			}
			if got := first(sibling, foreign); got.code() != forToken || got.body != first(sibling, absent).body {
				t.Errorf("%s answers another session's token %s", field.Name, got.body)
			}
			if got := first(w.other, foreign); got.code() != forOther || got.body != first(w.other, absent).body {
				t.Errorf("%s answers another account %s", field.Name, got.body)
			}
		}
	})

	t.Run("EveryEventIsReadAnew", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.newSession(w.mine, w.avatar.ID)
		live := w.subscribe(w.mine, `subscription($id: ID!) { sessionUpdated(id: $id) {
			revision status duration avatar { name sessions { totalCount } } dailyRoom { token } events(last: 1) { type } } }`, vars{"id": s.ID})
		if got := live.must(); at(got, "sessionUpdated", "avatar", "name") != "Ada" || text(at(got, "sessionUpdated", "events", 0, "type")) != "ROOM_READY" {
			t.Fatalf("%v", got)
		}
		// Neither is told by itself, and both belong to the next event.
		w.must(w.mine, `mutation($id: ID!) { updateAvatar(input: {id: $id, name: "Grace"}) { userErrors { code } } }`, vars{"id": w.avatar.ID})
		w.newSession(w.mine, w.avatar.ID)
		w.now.Add(60_000)
		w.must(w.mine, `mutation($id: ID!) { endSession(input: {id: $id}) { userErrors { code } } }`, vars{"id": s.ID})
		got := at(live.must(), "sessionUpdated")
		if at(got, "status") != "ENDED" || at(got, "duration") != 0.0 || at(got, "avatar", "name") != "Grace" ||
			at(got, "avatar", "sessions", "totalCount") != 2.0 || at(got, "dailyRoom", "token") != nil || at(got, "events", 0, "type") != "ENDED" {
			t.Errorf("%v", got)
		}
		if over := live.next(); over != nil {
			t.Errorf("after the end came %s", over.body)
		}
	})

	t.Run("AnAccountSeesItsPlacesMove", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		live := w.subscribe(w.other, `subscription { accountUpdated { concurrency { current max } apiKeys { totalCount } } }`, nil)
		places := func(want float64) {
			t.Helper()
			for at(live.must(), "accountUpdated", "concurrency", "current") != want {
				continue // what is gathered in between may be told too
			}
		}
		places(0)
		s := w.newSession(w.other, w.newAvatar(w.other, "Bea").ID)
		places(1)
		w.must(w.other, `mutation($id: ID!) { endSession(input: {id: $id}) { userErrors { code } } }`, vars{"id": s.ID})
		places(0)
		w.must(w.other, `mutation { createApiKey(input: {name: "another"}) { userErrors { code } } }`, nil)
		for at(live.must(), "accountUpdated", "apiKeys", "totalCount") != 1.0 {
			continue
		}
	})

	t.Run("AListIsKeptTrue", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		live := w.subscribe(w.mine, `subscription { sessionChanges(filter: {status: [CREATED]}) { reset changed { id status } entered { cursor node { id avatar { name } } } leftIds } }`, nil)
		if got := at(live.must(), "sessionChanges"); !is(at(got, "reset"), true) || len(list(at(got, "changed"))) > 0 {
			t.Fatalf("%v", got)
		}
		s := w.newSession(w.mine, w.avatar.ID)
		got := at(live.must(), "sessionChanges")
		if at(got, "entered", 0, "node", "id") != s.ID || at(got, "entered", 0, "cursor") != s.ID || at(got, "entered", 0, "node", "avatar", "name") != "Ada" {
			t.Errorf("%v", got)
		}
		w.must(w.mine, `mutation($id: ID!) { endSession(input: {id: $id}) { userErrors { code } } }`, vars{"id": s.ID})
		for at(got, "leftIds", 0) != s.ID {
			got = at(live.must(), "sessionChanges")
		}
		if at(got, "changed", 0, "status") != "ENDED" {
			t.Errorf("%v", got)
		}
	})
}
