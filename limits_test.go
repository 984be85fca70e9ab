package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"greenroom/config"
	"greenroom/graph"
)

// A request's limits without configuration are those that the handler's own tests run with.
func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("DefaultsAreTheHandlersOwn", func(t *testing.T) {
		t.Parallel()
		var cli struct {
			Serve config.Serve `cmd:""`
		}
		if _, err := config.Parse(&cli, []string{"serve", "--dev"}, nil, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		if got := limitsOf(cli.Serve.Limits); got != graph.DefaultLimits {
			t.Errorf("configured %+v\nthe handler has %+v", got, graph.DefaultLimits)
		}
	})
	t.Run("AreConfigured", func(t *testing.T) {
		t.Parallel()
		s := serve(t, "--database="+sqlite(t), "--max-tokens=100", "--max-body-bytes=20000", "--max-aliases=1",
			"--max-account-sockets=1", "--max-account-operations=1")
		for document, want := range map[string]string{
			"{" + strings.Repeat("serverTime ", 99) + "}": "more than 100 tokens",
			"{ a: serverTime b: serverTime }":             "more than 1 aliases",
		} {
			if got := s.ask(devKey, document, nil); got.code() != "QUERY_TOO_EXPENSIVE" || !strings.Contains(got.body, want) {
				t.Errorf("answered %s, want %q", got.body, want)
			}
		}
		holder := s.connect(devKey)
		holder.subscribe("1", "subscription { accountUpdated { id } }", nil)
		holder.hear()
		holder.subscribe("2", "{ serverTime }", nil)
		if got := holder.hear(); got["type"] != "error" || text(got, "payload.0.extensions.code") != "RATE_LIMITED" {
			t.Errorf("an operation too many was answered %v", got)
		}
		one := s.dial()
		one.init(devKey)
		if reason := one.closes(4429); !strings.HasPrefix(reason, "too many sockets") {
			t.Errorf("a socket too many was closed because of %q", reason)
		}
		got, err := s.try(http.MethodPost, "/graphql", operation("subscription { accountUpdated { id } }", nil),
			"Content-Type", "application/json", "Accept", "text/event-stream", "X-Api-Key", devKey)
		if err != nil || got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" || got.code() != "RATE_LIMITED" {
			t.Errorf("an event stream too many was answered %+v, %v", got, err)
		}
		if got := s.ask(devKey, "{ serverTime } #"+strings.Repeat("x", 20_000), nil); got.status != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	})
}
