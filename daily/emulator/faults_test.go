package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily/emulator"
)

// direct makes a call without a network, for bubbles in which time is not real.
func direct(t *testing.T, e *emulator.Emulator, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, req)
	return w
}

func TestFaults(t *testing.T) {
	t.Parallel()
	// attempt gives the status and length of a reply, or the error in reading it.
	attempt := func(d *domain) (int, string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.server.URL+"/v1/rooms", strings.NewReader(createR))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := d.server.Client().Do(req)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text), err
	}
	for name, test := range map[string]struct {
		fault  emulator.Fault
		status int
		broken bool
		made   bool
		body   func(string) bool
	}{
		"Delay":         {fault: emulator.Fault{Kind: emulator.FaultDelay, Delay: time.Millisecond}, status: 200, made: true},
		"RateLimit":     {fault: emulator.Fault{Kind: emulator.FaultRateLimit}, status: 429, body: func(s string) bool { return s == `{"error":"rate-limit-error"}` }},
		"Error":         {fault: emulator.Fault{Kind: emulator.FaultError}, status: 500, body: func(s string) bool { return s == `{"error":"server-error"}` }},
		"ErrorAfter":    {fault: emulator.Fault{Kind: emulator.FaultError, Status: 503, After: true}, status: 503, made: true},
		"Lost":          {fault: emulator.Fault{Kind: emulator.FaultLost}, broken: true, made: true},
		"Truncated":     {fault: emulator.Fault{Kind: emulator.FaultTruncated}, status: 200, made: true, body: func(s string) bool { return !json.Valid([]byte(s)) }},
		"Cut":           {fault: emulator.Fault{Kind: emulator.FaultCut}, status: 200, broken: true, made: true},
		"HTML":          {fault: emulator.Fault{Kind: emulator.FaultHTML}, status: 200, body: func(s string) bool { return strings.HasPrefix(s, "<!doctype") }},
		"Huge":          {fault: emulator.Fault{Kind: emulator.FaultHuge}, status: 200, made: true, body: func(s string) bool { return len(s) > 8<<20 && json.Valid([]byte(s)) }},
		"LateWithReply": {fault: emulator.Fault{Kind: emulator.FaultLate, Status: 504, CommitAfter: time.Hour}, status: 504},
		"OtherMethod":   {fault: emulator.Fault{Kind: emulator.FaultError, Method: "GET"}, status: 200, made: true},
		"OtherPath":     {fault: emulator.Fault{Kind: emulator.FaultError, Path: "/rooms/*"}, status: 200, made: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			d.SetFaults(test.fault)
			status, body, err := attempt(d)
			if status != test.status || (err != nil) != test.broken || test.body != nil && !test.body(body) {
				t.Errorf("status %d (%v), body %.80q", status, err, body)
			}
			if made := count(d.events(), "room created") == 1; made != test.made {
				t.Errorf("made %v, want %v", made, test.made)
			}
		})
	}
}

func TestFaultHappensAsOftenAsAsked(t *testing.T) {
	t.Parallel()
	d := setup(t)
	status, body := d.callAs("", "POST", "/_/faults", `{"kind":"error","status":503,"count":2,"path":"/rooms"}`)
	if want := `[{"kind":"error","path":"/rooms","count":2,"status":503,"hits":0}]`; status != 200 || !sameJSON(body, want) {
		t.Errorf("set: %d %s, want %s", status, body, want)
	}
	var got []int
	for range 3 {
		status, _ := d.call("GET", "/v1/rooms", "")
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{503, 503, 200}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if hits := d.Faults()[0].Hits; hits != 2 {
		t.Errorf("%d hits, want 2", hits)
	}
	for _, wrong := range []string{`{"kind":"nonsense"}`, `{"kind":"error","path":"["}`, `{"kind":"error","countt":1}`, `[{"kind":"error","probability":2}]`, `7`} {
		if status, _ := d.callAs("", "POST", "/_/faults", wrong); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", wrong, status)
		}
	}
	if status, body := d.callAs("", "DELETE", "/_/faults", ""); status != 200 || body != `[]` || len(d.Faults()) != 0 {
		t.Errorf("delete: %d %s", status, body)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && cmp.Equal(x, y)
}

func TestLateCommitComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Key: key})
		defer func() { _ = e.Close() }()
		e.SetFaults(emulator.Fault{Kind: emulator.FaultLate, Status: 504, CommitAfter: 90 * time.Second, Count: 1})
		if w := direct(t, e, "POST", "/v1/rooms", createR); w.Code != 504 {
			t.Fatalf("status %d, want 504", w.Code)
		}
		elapse(89 * time.Second)
		if n := len(e.Rooms()); n != 0 {
			t.Errorf("%d rooms too early", n)
		}
		elapse(time.Second)
		synctest.Wait()
		if n := len(e.Rooms()); n != 1 {
			t.Errorf("%d rooms, want 1", n)
		}
		log := e.Log()
		if last := log[len(log)-1]; last.Event != "room committed late" || last.Room != "r" {
			t.Errorf("last entry %+v", last)
		}
	})
}

func TestHangEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.SetFaults(emulator.Fault{Kind: emulator.FaultHang})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.server.URL+"/v1/rooms", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	failed := make(chan error, 1)
	go func() {
		resp, err := d.server.Client().Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		failed <- err
	}()
	eventually(t, func() bool { return len(d.Faults()) == 1 && d.Faults()[0].Hits == 1 })
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the caller's own cancellation", err)
	}
}

func TestLogTellsCallsAndHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", createR)
	token := d.token("r", "u1")
	d.call("GET", "/v1/meeting-tokens/"+token, "")
	d.call("GET", "/v1/wrong/"+token, "")
	d.call("DELETE", "/v1/rooms/r", "")
	_, body := d.callAs("", "GET", "/_/log", "")
	if strings.Contains(body, token) || strings.Contains(body, key) {
		t.Errorf("the log holds a secret: %s", body)
	}
	type line struct {
		Method, Path, Room, Event string
		Status                    int
	}
	var got []line
	for _, entry := range d.Log() {
		got = append(got, line{entry.Method, entry.Path, entry.Room, entry.Event, entry.Status})
	}
	want := []line{
		{"POST", "/v1/rooms", "r", "", 200},
		{"", "", "r", "room created", 0},
		{"GET", "/v1/meeting-tokens/…", "", "", 200},
		{"GET", "unknown", "", "", 404},
		{"DELETE", "/v1/rooms/r", "r", "", 200},
		{"", "", "r", "room deleted", 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, after := d.callAs("", "GET", "/_/log?after=5", "")
	if !strings.HasPrefix(after, `[{"seq":6,"at":"2026-10-01T09:01:22.345Z","event":"room deleted","room":"r"`) {
		t.Errorf("log after 5: %s", after)
	}
	_, rooms := d.callAs("", "GET", "/_/rooms", "")
	wantRooms := `[{"id":"<uuid>","name":"r","privacy":"private","state":"deleted","createdAt":"2026-10-01T09:01:22.345Z","exp":null,"deletedAt":"2026-10-01T09:01:22.345Z","inside":[]}]`
	if diff := cmp.Diff(wantRooms, anonymous(rooms)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
