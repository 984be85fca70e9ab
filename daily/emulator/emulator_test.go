package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key      = "test-key"
	domainID = "30f866c3-9123-452a-8723-ff58322d09c5"
)

// t0 is 2026-10-01T09:01:22.345Z, in seconds 1790845282.345.
var t0 = models.TimeOf(time.Date(2026, 10, 1, 9, 1, 22, 345e6, time.UTC))

// A domain is an emulator behind a real server, with a clock that only moves when told.
type domain struct {
	*emulator.Emulator
	t      *testing.T
	server *httptest.Server
	now    atomic.Int64
}

func setup(t *testing.T, change ...func(*emulator.Config)) *domain {
	t.Helper()
	d := &domain{t: t}
	d.now.Store(int64(t0))
	cfg := emulator.Config{
		Key: key, DomainName: "acme", DomainID: domainID,
		Clock: func() models.Time { return models.Time(d.now.Load()) },
	}
	for _, c := range change {
		c(&cfg)
	}
	d.Emulator = emulator.New(cfg)
	d.server = httptest.NewServer(d.Emulator)
	t.Cleanup(func() {
		d.server.Client().CloseIdleConnections()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		d.server.Close()
	})
	return d
}

func (d *domain) pass(span time.Duration) { d.now.Add(span.Milliseconds()) }

// call makes one call with the domain's key and gives status and body.
func (d *domain) call(method, path, body string) (int, string) {
	d.t.Helper()
	return d.callAs("Bearer "+key, method, path, body)
}

func (d *domain) callAs(authorization, method, path, body string) (int, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.server.URL+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := d.server.Client().Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// must makes a call that has to succeed and decodes its body.
func (d *domain) must(method, path, body string) map[string]any {
	d.t.Helper()
	status, text := d.call(method, path, body)
	if status != http.StatusOK {
		d.t.Fatalf("%s %s: status %d: %s", method, path, status, text)
	}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		d.t.Fatal(err)
	}
	return decoded
}

// token signs a meeting token as the server under test would.
func (d *domain) token(room, userID string) string {
	return daily.SignToken(key, daily.Claims{
		Room: room, DomainID: domainID, UserID: userID, UserName: "Ann", IssuedAt: t0, Expires: t0.Add(time.Hour),
	})
}

func (d *domain) join(room, userID string) emulator.Participant {
	d.t.Helper()
	p, err := d.Join(room, d.token(room, userID), "")
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// events are the log's events so far, those of calls left out.
func (d *domain) events() []string {
	var events []string
	for _, entry := range d.Log() {
		if entry.Event != "" {
			events = append(events, entry.Event)
		}
	}
	return events
}

// elapse lets time pass, which in a bubble costs none.
func elapse(d time.Duration) { <-time.After(d) }

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// anonymous puts <uuid> for every random id, so that bodies can be compared whole.
func anonymous(text string) string { return uuid.ReplaceAllString(text, "<uuid>") }
