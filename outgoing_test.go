package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A hooked event is what a receiver was sent.
type hooked struct {
	id   string
	kind string
	// verified tells whether the library of the specification believes it.
	verified bool
	session  map[string]any
}

// A hookReceiver is an account's own server.
type hookReceiver struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	calls  []hooked
	// before is called before each answer.
	before func()
}

func receiveHooks(t *testing.T) *hookReceiver {
	t.Helper()
	r := &hookReceiver{before: func() {}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var event struct {
			Type string
			Data struct{ Session map[string]any }
		}
		if err := json.Unmarshal(body, &event); err != nil {
			t.Errorf("sent %q: %v", body, err)
		}
		r.mu.Lock()
		library, err := standardwebhooks.NewWebhook(r.secret)
		if err == nil {
			err = library.Verify(body, req.Header)
		}
		r.calls = append(r.calls, hooked{req.Header.Get("Webhook-Id"), event.Type, err == nil, event.Data.Session})
		before := r.before
		r.mu.Unlock()
		before()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *hookReceiver) got() []hooked {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hooked(nil), r.calls...)
}

const createHook = `mutation ($url: String!) {
	createWebhookEndpoint(input: {url: $url, eventTypes: [SESSION_CREATED, SESSION_STARTED, SESSION_ENDED]}) {
		webhookEndpoint { id } secret userErrors { code message } } }`

// TestOutgoingWebhooks plays a session's whole life with a receiver on this machine, as --dev has it.
func TestOutgoingWebhooks(t *testing.T) {
	t.Parallel()
	s, r := serve(t), receiveHooks(t)
	made := s.must(s.key, createHook, vars{"url": r.URL})
	secret := text(made, "createWebhookEndpoint.secret")
	r.mu.Lock()
	r.secret = secret
	r.mu.Unlock()
	of := s.create(nil)
	s.start(s.key, of.id)
	s.end(s.key, of.id)
	until(t, "the end is told", func() bool { return len(r.got()) == 3 })
	seen := map[string]hooked{}
	for _, c := range r.got() {
		if !c.verified || c.session["id"] != of.id {
			t.Errorf("received %+v", c)
		}
		seen[c.kind] = c
	}
	if seen["session.created"].id == "" || seen["session.started"].session["status"] != "STARTED" || seen["session.ended"].session["end_reason"] != "CLIENT_ENDED" {
		t.Errorf("received %+v", seen)
	}
	lines := s.ask(s.key, `query ($id: ID!) { session(id: $id) { events { id type } } }`, vars{"id": of.id}).body
	for kind, c := range seen {
		if !strings.Contains(lines, c.id) {
			t.Errorf("%s has an id that is not on the timeline", kind)
		}
	}
	metrics := s.get(s.first["metrics"]).body
	if !strings.Contains(metrics, `greenroom_webhook_attempt_seconds_count{outcome="delivered"} 3`) || !strings.Contains(metrics, "greenroom_webhook_backlog_seconds 0") {
		t.Errorf("the metrics have %s", metrics[strings.Index(metrics, "greenroom_webhook"):])
	}
	s.stop()
	if logs := s.logs.String(); strings.Contains(logs, secret[len("whsec_"):]) {
		t.Error("the secret is in the log")
	}
}

// Row 6 of the failure matrix: kill -9 when the receiver has a webhook and nobody has noted that.
func TestKilledAfterAWebhookWasSent(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.env = append(in.env, "GREENROOM_WEBHOOK_ALLOW_PRIVATE=127.0.0.1/32", "GREENROOM_WEBHOOK_TIMEOUT=1s")
	r := receiveHooks(t)
	p := in.serve()
	in.furnish(p)
	var made struct {
		CreateWebhookEndpoint struct{ WebhookEndpoint struct{ ID string } }
	}
	if err := in.ask(p, createHook, map[string]any{"url": r.URL}, &made); err != nil || made.CreateWebhookEndpoint.WebhookEndpoint.ID == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	killed := make(chan struct{})
	r.mu.Lock()
	r.before = sync.OnceFunc(func() { p.kill(); close(killed) })
	r.mu.Unlock()
	if _, err := in.createAndMaybeEnd(p, "once", false); err != nil {
		t.Log("unanswered", err) // the kill may come first
	}
	<-killed
	in.serve()
	until(t, "it is sent again", func() bool { return len(r.got()) >= 2 })
	for _, c := range r.got() {
		if c.id != r.got()[0].id || c.kind != "session.created" {
			t.Errorf("received %+v", c)
		}
	}
}
