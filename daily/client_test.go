package daily_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

// raw makes a call without the client under test.
func (w *world) raw(method, path, body string) {
	w.Helper()
	req := httptest.NewRequestWithContext(w.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+key)
	rec := httptest.NewRecorder()
	w.emulator.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		w.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
}

// stub answers by handler instead of the emulator.
func (w *world) stub(handler http.HandlerFunc) {
	w.client.RoundTripWith(roundTripper(func(req *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		handler(rec, req)
		return rec.Result(), nil
	}))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestOverRealSockets(t *testing.T) {
	t.Parallel()
	e := emulator.New(emulator.Config{Key: key, DomainName: "acme", DomainID: domainID})
	server := httptest.NewServer(e)
	defer server.Close()
	defer func() { _ = e.Close() }()
	client, err := daily.New(daily.Config{URL: server.URL + "/v1/", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	domain, err := client.Domain(t.Context())
	if want := (daily.Domain{Name: "acme", ID: domainID}); err != nil || domain != want {
		t.Errorf("domain %+v, %v; want %+v", domain, err, want)
	}
	e.SetFaults(emulator.Fault{Method: "POST", Kind: emulator.FaultLost, Count: 1})
	room, err := client.CreateRoom(t.Context(), spec("s-1"))
	if err != nil {
		t.Fatal(err)
	}
	if rooms := e.Rooms(); len(rooms) != 1 || rooms[0].ID != room.ID {
		t.Errorf("the emulator has %+v, want only %s", rooms, room.ID)
	}
	if err := client.DeleteRoom(t.Context(), "s-1"); err != nil {
		t.Error(err)
	}
}

func TestRateLimitReplies(t *testing.T) {
	t.Parallel()
	// waited makes one call through a single 429 and gives the time between the two tries.
	waited := func(w *world, fault emulator.Fault) time.Duration {
		w.Helper()
		fault.Kind, fault.Count = emulator.FaultRateLimit, 1
		w.emulator.SetFaults(fault)
		if _, err := w.client.Domain(w.Context()); err != nil {
			w.Fatal(err)
		}
		log := w.emulator.Log()
		if len(log) != 2 || log[0].Status != 429 || log[1].Status != 200 {
			w.Fatalf("log %+v, want a 429 and a 200", log)
		}
		return log[1].At.Sub(log[0].At)
	}
	for name, test := range map[string]struct {
		fault    emulator.Fault
		from, to time.Duration
	}{
		"WithoutRetryAfterBacksOff": {emulator.Fault{}, 0, 200 * time.Millisecond},
		"SecondsAreHonoured":        {emulator.Fault{RetryAfter: 7 * time.Second}, 7 * time.Second, 7 * time.Second},
		"ADateIsHonoured":           {emulator.Fault{RetryAfter: 7 * time.Second, RetryDate: true}, 7 * time.Second, 7 * time.Second},
		"TheWaitIsCapped":           {emulator.Fault{RetryAfter: time.Hour}, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				if got := waited(w, test.fault); got < test.from || got > test.to {
					w.Errorf("waited %s, want %s to %s", got, test.from, test.to)
				}
			})
		})
	}
	t.Run("ADeadlineBeforeRetryAfterFailsAtOnce", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultRateLimit, RetryAfter: 20 * time.Second})
			ctx, cancel := context.WithTimeout(w.Context(), 15*time.Second)
			defer cancel()
			began := time.Now()
			_, err := w.client.CreateRoom(ctx, spec("s-1"))
			if failed := w.failure(err, false); failed.Status != 429 || failed.Code != "rate-limit-error" {
				w.Errorf("got %+v", failed)
			}
			if e, _ := errors.AsType[*models.Error](err); e.RetryAfter != 20*time.Second {
				w.Errorf("retry after %s, want 20s", e.RetryAfter)
			}
			if took := time.Since(began); took != 0 || w.calls("POST") != 1 {
				w.Errorf("took %s and %d calls, want none and 1", took, w.calls("POST"))
			}
		})
	})
	t.Run("TriesAreBounded", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultRateLimit})
			_, err := w.client.Domain(w.Context())
			w.failure(err, false)
			if n := w.calls("GET"); n != 5 || w.observed[observation{"read domain", 429}] != 5 {
				w.Errorf("%d tries, observed %v, want 5", n, w.observed)
			}
		})
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		hosts := map[string]int{}
		w.stub(func(rw http.ResponseWriter, r *http.Request) {
			hosts[r.URL.Host]++
			if r.URL.Host != "daily.test" {
				return
			}
			http.Redirect(rw, r, "http://elsewhere.test/", http.StatusTemporaryRedirect)
		})
		_, err := w.client.Domain(w.Context())
		if failed := w.failure(err, true); failed.Status != http.StatusTemporaryRedirect {
			w.Errorf("got %+v", failed)
		}
		if diff := cmp.Diff(map[string]int{"daily.test": 1}, hosts); diff != "" {
			w.Errorf("hosts (-want +got):\n%s", diff)
		}
	})
}

func TestNamesAreCheckedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		for _, name := range []string{"", ".", "..", "a/b", "a b", "a%2fb", "a?b", "ä", "a\x00", strings.Repeat("a", 129)} {
			_, create := w.client.CreateRoom(w.Context(), daily.RoomSpec{Name: name, Exp: models.SystemClock() + 1e6})
			_, read := w.client.Room(w.Context(), name)
			_, eject := w.client.Eject(w.Context(), name, []string{"u"}, true)
			_, meetings := w.client.Meetings(w.Context(), name)
			for _, err := range []error{create, read, eject, meetings, w.client.DeleteRoom(w.Context(), name)} {
				if models.KindOf(err) != models.KindInvalidInput {
					w.Errorf("%q: %v, want it refused", name, err)
				}
			}
		}
		if n := len(w.emulator.Log()); n != 0 {
			w.Errorf("%d calls, want none", n)
		}
	})
	if got := daily.Path("rooms", "a/../b?c#d%"); got != "/rooms/a%2F..%2Fb%3Fc%23d%25" {
		t.Errorf("escaped path %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]daily.Config{
		"NoKey":              {},
		"KeyWithLineBreak":   {Key: "canary\r\nX: y"},
		"KeyWithSpace":       {Key: "canary key"},
		"URLWithoutScheme":   {Key: key, URL: "api.daily.co/v1"},
		"URLWithUser":        {Key: key, URL: "https://canary@api.daily.co/v1"},
		"URLWithQuery":       {Key: key, URL: "https://api.daily.co/v1?canary"},
		"OtherScheme":        {Key: key, URL: "file:///etc"},
		"RateWithoutPeriod":  {Key: key, Calls: daily.Rate{Count: 3}},
		"DeletesWithout":     {Key: key, Deletes: daily.Rate{Count: 3}},
		"NegativeCallLength": {Key: key, Timeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := daily.New(cfg)
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want an error that repeats nothing", err)
			}
		})
	}
}

// TestSecretsStayInside goes through every way in which something is said about a call, with a
// proxy that echoes the key into whatever it answers.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		var said strings.Builder
		for _, status := range []int{200, 302, 400, 401, 404, 429, 500} {
			w.stub(func(rw http.ResponseWriter, r *http.Request) {
				rw.WriteHeader(status)
				fmt.Fprintf(rw, `{"error":"%s","info":"bad header %s\nsecond line"}`, r.Header.Get("Authorization"), r.Header.Get("Authorization"))
			})
			_, create := w.client.CreateRoom(w.Context(), spec("s-1"))
			_, domain := w.client.Domain(w.Context())
			_, err := w.client.Eject(w.Context(), "s-1", []string{"u"}, true)
			fmt.Fprintf(&said, "%v %+v %#v %v %v\n", create, create, create, domain, err)
		}
		w.client.RoundTripWith(roundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, errors.New("transport says " + r.Header.Get("Authorization"))
		}))
		_, err := w.client.Domain(w.Context())
		fmt.Fprintln(&said, err)
		cfg := daily.Config{Key: key}
		fmt.Fprintf(&said, "%v %+v %#v %s %d %x", cfg, cfg, cfg, cfg, cfg, cfg)
		fmt.Fprintf(&said, "%v %+v %#v %s %d %x", w.client, w.client, w.client, w.client, w.client, w.client)
		slog.New(slog.NewTextHandler(w.logs, nil)).Info("cfg", "cfg", cfg, "client", w.client)
		if text := said.String() + w.logs.String(); strings.Contains(text, "canary") || !strings.Contains(text, "[redacted]") {
			w.Errorf("a secret got out, or nothing was said: %s", text)
		}
		for line := range strings.Lines(w.logs.String()) {
			if !strings.HasPrefix(line, "time=") {
				w.Errorf("log line torn apart: %q", line)
			}
		}
	})
}

func FuzzReplies(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"data":null}`, `{"data":[null]}`, `{"data":[{"id":"1"}]}`, `<html>`,
		`{"id":"1","name":"r","privacy":"private","url":"https://x/r","created_at":"2026-10-01T09:01:22.000Z","config":{"exp":1e308}}`,
		`{"data":[{"id":"1","room":"r","start_time":-1,"duration":1e300,"participants":[{"join_time":1}]}]}`,
		`{"ejectedIds":["a"],"deleted":true,"domain_name":"d","domain_id":"i"}`,
		`{"error":"not-found","info":"` + strings.Repeat("x", 500) + `"}`,
	} {
		f.Add(200, seed)
		f.Add(404, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		client, err := daily.New(daily.Config{URL: "http://daily.test", Key: key, Retries: -1, Calls: daily.Rate{Count: -1}, Deletes: daily.Rate{Count: -1}})
		if err != nil {
			t.Fatal(err)
		}
		client.RoundTripWith(roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Request: req, Body: io.NopCloser(strings.NewReader(body))}, nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		room, err := client.Room(ctx, "r")
		if err == nil && (room.Name != "r" || room.ID == "" || room.URL == "" || room.Exp < 0) {
			t.Errorf("took %q for a room: %+v", body, room)
		}
		if room, err := client.CreateRoom(ctx, daily.RoomSpec{Name: "r"}); err == nil && !room.Private {
			t.Errorf("took %q for a private room", body)
		}
		errs := []error{err, client.DeleteRoom(ctx, "r")}
		_, err = client.Eject(ctx, "r", []string{"u"}, false)
		errs = append(errs, err)
		_, err = client.Domain(ctx)
		errs = append(errs, err)
		for _, err := range errs {
			if err != nil && (len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\n\r\x00")) {
				t.Errorf("an error unfit for a log line: %q", err)
			}
		}
		turns := 0
		for range client.Rooms(ctx) {
			if turns++; turns > 3 {
				break
			}
		}
	})
}
