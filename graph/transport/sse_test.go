package transport

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/models"
)

// events posts an operation for an event stream.
func (w *world) events(query string, header ...string) *answer {
	w.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post(string(body), append([]string{"Accept", eventStream}, header...)...)
}

func (w *world) post(body string, header ...string) *answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://greenroom.example/graphql", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.send(r, header...)
}

func (w *world) send(r *http.Request, header ...string) *answer {
	w.t.Helper()
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = got.Body.Close() })
	return &answer{got.StatusCode, got.Header, got.Body}
}

func (e *eventReader) hears(name, data string) {
	e.t.Helper()
	if gotName, gotData := e.event(); gotName != name || gotData != data {
		e.t.Fatalf("heard %q %s, want %q %s", gotName, gotData, name, data)
	}
}

func (e *eventReader) completes() {
	e.t.Helper()
	e.hears("complete", "")
	e.hears("", "")
}

func TestEventStream(t *testing.T) {
	t.Parallel()
	inBubble(t, "AnswersQueriesAndMutations", func(w *world) {
		for query, want := range map[string]string{
			"{ name }":          `{"data":{"name":"test"}}`,
			"mutation { name }": `{"data":{"name":"test"}}`,
			"{ lines }":         `{"data":{ "lines":  "a\nb"}}`,
			"{ nothing }":       `{"errors":[{"message":"Cannot query field \"nothing\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
			"{ panic }":         `{"errors":[{"message":"internal error"}]}`,
		} {
			got := w.events(query)
			if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/event-stream; charset=utf-8" ||
				got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Accel-Buffering") != "no" {
				w.t.Errorf("%s answered %v", query, got)
			}
			e := reader(w.t, got)
			e.hears("next", want)
			e.completes()
		}
	})
	inBubble(t, "TellsEachEventAtOnce", func(w *world) {
		e := reader(w.t, w.events("subscription { ticks }"))
		for i := range 3 {
			time.Sleep(5 * time.Minute) //nolint:forbidigo // the bubble's time
			w.tick <- i
			e.hears("next", `{"data":{"ticks":`+string(rune('0'+i))+`}}`)
		}
		synctest.Wait()
		if w.busy() != 1 {
			w.t.Errorf("%d operations run", w.busy())
		}
		_ = e.body.Close()
		synctest.Wait()
		if w.busy() != 0 {
			w.t.Error("it goes on without its client")
		}
	})
	inBubble(t, "Completes", func(w *world) {
		e := reader(w.t, w.events("subscription { burst }"))
		for range 100 {
			if name, _ := e.event(); name != "next" {
				w.t.Fatalf("heard %q", name)
			}
		}
		e.completes()
	})
	inBubble(t, "SaysThatItIsThere", func(w *world) {
		body := bufio.NewReader(w.events("subscription { idle }").body)
		began := time.Now()
		for range 5 {
			if line, err := body.ReadString('\n'); line != ":\n" || err != nil {
				w.t.Fatalf("heard %q, %v", line, err)
			}
			if line, err := body.ReadString('\n'); line != "\n" || err != nil {
				w.t.Fatalf("heard %q, %v", line, err)
			}
		}
		if took := time.Since(began); took != 4*beatEvery {
			w.t.Errorf("took %s", took)
		}
	})
	inBubble(t, "CutsOffWhoDoesNotRead", func(w *world) {
		w.events("subscription { flood }")
		time.Sleep(writeWithin + time.Second) //nolint:forbidigo // the bubble's time
		synctest.Wait()
		if w.busy() != 0 {
			w.t.Error("it goes on")
		}
	})
	inBubble(t, "EndsWithItsCredential", func(w *world) {
		e := reader(w.t, w.events("subscription { idle }", "X-Api-Key", goodKey))
		synctest.Wait()
		w.revoke(models.ErrUnauthenticated)
		e.hears("next", `{"errors":[{"message":"`+models.ErrUnauthenticated.Message+`"}]}`)
		e.completes()
	})
	inBubble(t, "EndsWithTheServer", func(w *world) {
		e := reader(w.t, w.events("subscription { idle }"))
		query := reader(w.t, w.events("{ wait }"))
		synctest.Wait()
		if err := w.drain(time.Minute); err != nil {
			w.t.Error(err)
		}
		e.hears("", "") // no complete: the client subscribes again
		w.release <- struct{}{}
		query.hears("next", `{"data":{"wait":"test"}}`)
		query.completes()
	})
	inBubble(t, "IsForWhoAsksForIt", func(w *world) {
		both := "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"
		for _, c := range []struct {
			accept, query, media string
			status               int
		}{
			{both, "{ name }", graphQLResponse, 200},
			{both, "subscription { burst }", eventStream, 200},
			{"text/event-stream, multipart/mixed", "{ name }", eventStream, 200},
			{"application/json", "subscription { burst }", jsonMedia, 406},
			{"*/*", "subscription { burst }", jsonMedia, 406},
			{"", "subscription { burst }", jsonMedia, 406},
			{"text/html", "{ name }", jsonMedia, 406},
		} {
			got := w.events(c.query, "Accept", c.accept)
			if got.status != c.status || got.header.Get("Content-Type") != c.media+"; charset=utf-8" {
				w.t.Errorf("%q %s answered %d %s", c.accept, c.query, got.status, got.header.Get("Content-Type"))
			}
			_, _ = io.Copy(io.Discard, got.body)
		}
	})
	inBubble(t, "RefusesWhatIsNoRequest", func(w *world) {
		for body, header := range map[string][]string{
			`{"query": `:                        {},
			`[]`:                                {},
			`{"query": "{ name }"}`:             {"Content-Type", "text/plain"},
			strings.Repeat(" ", 128<<10) + "{}": {},
		} {
			got := w.post(body, append([]string{"Accept", eventStream}, header...)...)
			if got.status < 400 || got.status >= 500 || got.header.Get("Content-Type") != "application/json; charset=utf-8" {
				w.t.Errorf("%.30q answered %v", body, got)
			}
		}
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://greenroom.example/graphql?query=mutation%7Bname%7D", nil)
		if err != nil {
			w.t.Fatal(err)
		}
		if got := w.send(r, "Accept", eventStream); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST" {
			w.t.Errorf("a mutation by GET answered %v", got)
		}
		r, err = http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://greenroom.example/graphql?query=subscription%7Bburst%7D", nil)
		if err != nil {
			w.t.Fatal(err)
		}
		if name, _ := reader(w.t, w.send(r, "Accept", eventStream)).event(); name != "next" {
			w.t.Errorf("a subscription by GET tells %q", name)
		}
	})
}
