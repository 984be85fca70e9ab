package main

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
)

// An sse is a client's side of an event stream.
type sse struct {
	cancel context.CancelFunc
	body   *bufio.Scanner
	header http.Header
}

func (s *site) events(credential, query string, variables vars) *sse {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/graphql", strings.NewReader(operation(query, variables)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "X-Api-Key": {credential}}
	got, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = got.Body.Close() })
	if got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/event-stream") {
		s.t.Fatalf("answered %v", got)
	}
	return &sse{cancel, bufio.NewScanner(got.Body), got.Header}
}

// hears waits for the next event; its data contains want. An empty name is the stream's end.
func (e *sse) hears(t *testing.T, name, want string) {
	t.Helper()
	event, data := "", ""
	for e.body.Scan() {
		field, value, _ := strings.Cut(e.body.Text(), ":")
		switch {
		case field == "event":
			event = strings.TrimSpace(value)
		case field == "data":
			data = strings.TrimSpace(value)
		case event != "":
			if event != name || !strings.Contains(data, want) {
				t.Errorf("heard %s %s, want %s with %s", event, data, name, want)
			}
			return
		}
	}
	if name != "" {
		t.Errorf("ended, want %s with %s: %v", name, want, e.body.Err())
	}
}

func TestEventStream(t *testing.T) {
	t.Parallel()
	s := serve(t)
	t.Run("AnswersQueriesAndMutations", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		for query, want := range map[string]string{
			`{ viewer { kind } }`:        `{"data":{"viewer":{"kind":"API_KEY"}}}`,
			`{ nothing }`:                `"GRAPHQL_VALIDATION_FAILED"`,
			`{ session(id: "") { id } }`: `"session":null`,
			`mutation { createApiKey(input: {name: "by stream"}) { apiKey { name } } }`: `"by stream"`,
		} {
			e := s.events(s.key, query, nil)
			e.hears(t, "next", want)
			e.hears(t, "complete", "")
			e.hears(t, "", "")
			if e.header.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", e.header)
			}
		}
	})
	t.Run("TellsOfASessionUntilItsEnd", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		of := s.create(nil)
		e := s.events(of.token, watchSession, vars{"id": of.id})
		e.hears(t, "next", `"CREATED"`)
		s.end(s.key, of.id)
		e.hears(t, "next", `"CLIENT_ENDED"`)
		e.hears(t, "complete", "")
		e.hears(t, "", "")
	})
	t.Run("RefusesAWrongCredential", func(t *testing.T) {
		t.Parallel()
		got := s.in(t).request("POST", "/graphql", operation(watchSession, vars{"id": "x"}), "Content-Type", "application/json", "Accept", "text/event-stream", "X-Api-Key", "gr_live_wrong")
		if got.status != http.StatusUnauthorized || got.code() != "UNAUTHENTICATED" {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	})
}
