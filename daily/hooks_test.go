package daily_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

// A hooked is a domain with a receiver of its webhooks, over real sockets.
type hooked struct {
	client   *daily.Client
	emulator *emulator.Emulator
	url      string
	taken    atomic.Int64
	// down makes the receiver fail.
	down atomic.Bool
}

func newHooked(t *testing.T) *hooked {
	t.Helper()
	h := &hooked{emulator: emulator.New(emulator.Config{Key: key, DomainID: domainID, Knobs: emulator.Knobs{WebhookBackoff: time.Millisecond}})}
	domain := httptest.NewServer(h.emulator)
	take := daily.WebhookHandler(hookSecret, models.SystemClock, func(context.Context, daily.Event) error { h.taken.Add(1); return nil })
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		take.ServeHTTP(w, r)
	}))
	h.url = receiver.URL + "/webhooks/daily"
	client, err := daily.New(daily.Config{URL: domain.URL + "/v1", Key: key, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	h.client = client
	t.Cleanup(func() {
		client.Close()
		_ = h.emulator.Close()
		domain.Close()
		receiver.Close()
	})
	return h
}

// visit brings somebody into a room and out again.
func (h *hooked) visit(t *testing.T, room string) {
	t.Helper()
	if _, err := h.client.CreateRoom(t.Context(), spec(room)); err != nil {
		t.Fatal(err)
	}
	token := daily.SignToken(key, daily.Claims{Room: room, DomainID: domainID, UserID: "u", Expires: spec(room).Exp})
	who, err := h.emulator.Join(room, token, "Ann")
	if err == nil {
		err = h.emulator.Leave(room, who.SessionID)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !is() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestRegisterWebhook(t *testing.T) {
	t.Parallel()
	t.Run("MakesOneThatTellsOfPeople", func(t *testing.T) {
		t.Parallel()
		h := newHooked(t)
		hook, err := h.client.RegisterWebhook(t.Context(), h.url, hookSecret)
		if err != nil || hook.URL != h.url || hook.State != "ACTIVE" || hook.RetryType != "exponential" ||
			strings.Join(hook.EventTypes, " ") != "participant.joined participant.left" {
			t.Fatalf("%+v, %v", hook, err)
		}
		h.visit(t, "r")
		eventually(t, "both events are taken", func() bool { return h.taken.Load() == 2 })
	})
	t.Run("ChangesTheOneThatIsThere", func(t *testing.T) {
		t.Parallel()
		h := newHooked(t)
		first, err := h.client.RegisterWebhook(t.Context(), h.url+"?old", hookSecret)
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.client.RegisterWebhook(t.Context(), h.url, hookSecret)
		if err != nil || second.ID != first.ID || second.URL != h.url {
			t.Errorf("%+v, then %+v, %v", first, second, err)
		}
		hooks, err := h.client.Webhooks(t.Context())
		if err != nil || len(hooks) != 1 || hooks[0].URL != h.url {
			t.Errorf("%+v, %v", hooks, err)
		}
	})
	t.Run("RefusesASecretThatTheServerDoesNotHave", func(t *testing.T) {
		t.Parallel()
		h := newHooked(t)
		_, err := h.client.RegisterWebhook(t.Context(), h.url, "YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgb3Igc28=")
		if err == nil || strings.Contains(err.Error(), "YW5v") {
			t.Errorf("answered %v", err)
		}
		if hooks, err := h.client.Webhooks(t.Context()); err != nil || len(hooks) != 0 {
			t.Errorf("%+v, %v", hooks, err)
		}
	})
	t.Run("RevivesOneThatDailyHasGivenUp", func(t *testing.T) {
		t.Parallel()
		h := newHooked(t)
		// Made by hand, with the default that gives up for good.
		request(t, h, http.MethodPost, "/v1/webhooks", `{"url":"`+h.url+`","hmac":"`+hookSecret+`"}`)
		h.down.Store(true)
		h.visit(t, "r1")
		h.visit(t, "r2")
		eventually(t, "Daily has given up", func() bool {
			hooks, err := h.client.Webhooks(t.Context())
			return err == nil && len(hooks) == 1 && hooks[0].State == "FAILED"
		})
		h.down.Store(false)
		hook, err := h.client.RegisterWebhook(t.Context(), h.url, hookSecret)
		if err != nil || hook.State != "ACTIVE" || hook.Failures != 0 {
			t.Fatalf("%+v, %v", hook, err)
		}
		h.visit(t, "r3")
		eventually(t, "events come again", func() bool { return h.taken.Load() == 2 })
	})
	t.Run("IsDeletedTwiceWithoutAnError", func(t *testing.T) {
		t.Parallel()
		h := newHooked(t)
		hook, err := h.client.RegisterWebhook(t.Context(), h.url, hookSecret)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := h.client.DeleteWebhook(t.Context(), hook.ID); err != nil {
				t.Error(err)
			}
		}
		if hooks, err := h.client.Webhooks(t.Context()); err != nil || len(hooks) != 0 {
			t.Errorf("%+v, %v", hooks, err)
		}
	})
}

// request speaks to the emulator as somebody else with the domain's key would.
func request(t *testing.T, h *hooked, method, path, body string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	h.emulator.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s was answered %d %s", method, path, w.Code, w.Body)
	}
}

func TestPresence(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.create("r")
		w.create("empty")
		token := daily.SignToken(key, daily.Claims{Room: "r", DomainID: domainID, UserID: "u", Expires: spec("r").Exp})
		who, err := w.emulator.Join("r", token, "Ann")
		if err != nil {
			w.Fatal(err)
		}
		elapse(15 * time.Second)
		rooms, err := w.client.Presence(w.Context())
		if err != nil || len(rooms) != 1 || len(rooms["r"].People) != 1 {
			w.Fatalf("%+v, %v", rooms, err)
		}
		if p := rooms["r"].People[0]; p.SessionID != who.SessionID || p.UserID != "u" || p.Joined != who.JoinedAt || p.Duration != 15*time.Second {
			w.Errorf("%+v, %v", rooms, err)
		}
		for room, want := range map[string]int{"r": 1, "empty": 0, "absent": 0} {
			if people, err := w.client.RoomPresence(w.Context(), room); err != nil || len(people) != want {
				w.Errorf("%s: %+v, %v", room, people, err)
			}
		}
		w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultHTML})
		if people, err := w.client.RoomPresence(w.Context(), "r"); err == nil {
			w.Errorf("a web page was read as %+v", people)
		}
		if rooms, err := w.client.Presence(w.Context()); err == nil {
			w.Errorf("a web page was read as %+v", rooms)
		}
	})
}

// What is in the rooms of others must not hide who is in ours, by its amount or by its form.
func TestPresenceOfOthers(t *testing.T) {
	t.Parallel()
	const ann = `{"room":"r","id":"s1","userId":"u","userName":"Ann","joinTime":"2026-10-01T09:01:22.345Z","duration":15}`
	read := func(t *testing.T, body string) (map[string]daily.Occupancy, error) {
		t.Helper()
		domain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(body))
		}))
		defer domain.Close()
		client, err := daily.New(daily.Config{URL: domain.URL, Key: key, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		return client.Presence(t.Context())
	}
	t.Run("InThousands", func(t *testing.T) {
		t.Parallel()
		crowd := strings.Repeat(ann+",", 10_000) + ann // more than any other reply may have
		rooms, err := read(t, `{"theirs":[`+crowd+`],"r":[`+ann+`]}`)
		if err != nil || len(rooms["theirs"].People) != 10_001 || len(rooms["r"].People) != 1 {
			t.Errorf("%d and %d people, %v", len(rooms["theirs"].People), len(rooms["r"].People), err)
		}
		if _, err := read(t, `{"r":[`+ann+strings.Repeat(" ", 32<<20)+`]}`); err == nil {
			t.Error("a reply without end was read")
		}
	})
	for name, odd := range map[string]string{
		"WithoutAnID": `{"room":"theirs","userId":"v"}`, "InNoTime": `{"id":"s2","joinTime":"yesterday"}`, "OfNumbers": `17`, "Backwards": `{"id":"s2","duration":-1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rooms, err := read(t, `{"theirs":[`+ann+`,`+odd+`],"r":[`+ann+`]}`)
			if err != nil || rooms["theirs"].Err == nil || rooms["theirs"].People != nil || rooms["r"].Err != nil || len(rooms["r"].People) != 1 {
				t.Errorf("%+v, %v", rooms, err)
			}
		})
	}
	t.Run("AnotherReplyIsNone", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{`{"total_count":1,"data":[` + ann + `]}`, `{"error":"x"}`, `[]`, `null`} {
			if rooms, err := read(t, body); err == nil {
				t.Errorf("%s was read as %+v", body, rooms)
			}
		}
	})
}
