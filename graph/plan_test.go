package graph_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"greenroom/auth"
	"greenroom/graph"
)

const (
	everyScalar = `id revision status sessionType metadata endUserId createdAt startBy startedAt endedAt expiration maxDuration duration
		endReason avatarState avatar { id name url } dailyRoom { url name token }`
	pageQuery = `query Page($first: Int!) { sessions(first: $first) { nodes { ` + everyScalar + ` } } }`
	oneQuery  = `query One($id: ID!) { session(id: $id) { ` + everyScalar + ` } }`
)

// A hotPath is an operation that is asked again and again, without what HTTP itself costs.
type hotPath struct {
	handler http.Handler
	request *http.Request
	body    *strings.Reader
	answer  discard
}

// discard is an answer that nobody reads.
type discard struct {
	header http.Header
	status int
	bytes  int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(b []byte) (int, error) {
	d.bytes += len(b)
	return len(b), nil
}

func newHotPath(tb testing.TB, handler http.Handler, caller *auth.Caller, query string, variables vars) *hotPath {
	tb.Helper()
	text, err := json.Marshal(vars{"query": query, "variables": variables})
	if err != nil {
		tb.Fatal(err)
	}
	h := &hotPath{handler: handler, body: strings.NewReader(string(text)), answer: discard{header: http.Header{}}}
	h.request = httptest.NewRequestWithContext(as(caller), http.MethodPost, "/graphql", io.NopCloser(h.body))
	h.request.Header.Set("Content-Type", "application/json")
	return h
}

func (h *hotPath) ask(tb testing.TB) {
	tb.Helper()
	if _, err := h.body.Seek(0, io.SeekStart); err != nil {
		tb.Fatal(err)
	}
	clear(h.answer.header)
	h.answer.bytes = 0
	if h.handler.ServeHTTP(&h.answer, h.request); h.answer.status != http.StatusOK || h.answer.bytes < 500 {
		tb.Fatalf("answered %d with %d bytes", h.answer.status, h.answer.bytes)
	}
}

// hotPaths are the operations, on 50 sessions in a world where nothing else happens.
func hotPaths(tb testing.TB) (w *world, variables map[string]vars) {
	tb.Helper()
	w = setupOn(tb, "")
	one := w.newSession(w.mine, w.avatar.ID)
	if err := w.sessions.Shutdown(context.Background()); err != nil {
		tb.Fatal(err)
	}
	w.seed(50)
	return w, map[string]vars{pageQuery: {"first": 50}, oneQuery: {"id": one.ID}}
}

func BenchmarkPage(b *testing.B) { benchmark(b, pageQuery) }

func BenchmarkOne(b *testing.B) { benchmark(b, oneQuery) }

func benchmark(b *testing.B, query string) {
	b.Helper()
	w, variables := hotPaths(b)
	for name, config := range map[string]graph.Config{"Plan": w.config, "Generated": w.config.WithoutPlans()} {
		b.Run(name, func(b *testing.B) {
			h := newHotPath(b, graph.New(config), w.mine, query, variables[query])
			b.ReportAllocs()
			for b.Loop() {
				h.ask(b)
			}
		})
	}
}

// A page costs about as many allocations as one session: none for a row.
func TestAllocations(t *testing.T) { // not parallel: it counts what the whole process allocates
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w, variables := hotPaths(t)
	for query, most := range map[string]float64{pageQuery: 150, oneQuery: 90} {
		h := newHotPath(t, w.handler, w.mine, query, variables[query])
		h.ask(t) // compiles
		if n := testing.AllocsPerRun(100, func() { h.ask(t) }); n > most {
			t.Errorf("%.20s…: %.0f allocations, more than %.0f", query, n, most)
		}
	}
}
