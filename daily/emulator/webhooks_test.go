package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/daily/emulator"
)

// secret is the one in Daily's public documentation.
const secret = "NQrSA5z0FkJ44QPrFerW7uCc5kdNLv3l2FDEKDanL1U="

// A receiver takes webhooks. It answers the ping itself; everything else waits in got and is
// answered as status says.
type receiver struct {
	url    string
	got    chan received
	status chan int
}

type received struct {
	header http.Header
	body   string
	kind   string
	id     string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{got: make(chan received, 100), status: make(chan int, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		text, _ := io.ReadAll(req.Body)
		var ev struct{ Type, ID string }
		_ = json.Unmarshal(text, &ev)
		r.got <- received{req.Header.Clone(), string(text), ev.Type, ev.ID}
		select {
		case status := <-r.status:
			w.WriteHeader(status)
		default:
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// next waits for one webhook.
func (r *receiver) next(t *testing.T) received {
	t.Helper()
	select {
	case got := <-r.got:
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("no webhook came")
		return received{}
	}
}

func (r *receiver) register(t *testing.T, d *domain, more string) map[string]any {
	t.Helper()
	made := d.must("POST", "/v1/webhooks", `{"url":"`+r.url+`","hmac":"`+secret+`"`+more+`}`)
	r.next(t) // the ping
	return made
}

func checkSigned(t *testing.T, got received) {
	t.Helper()
	want, err := daily.SignWebhook(secret, got.header.Get("X-Webhook-Timestamp"), []byte(got.body))
	if err != nil || got.header.Get("X-Webhook-Signature") != want {
		t.Errorf("signature %q, want %q (%v)", got.header.Get("X-Webhook-Signature"), want, err)
	}
}

func TestWebhookIsPingedBeforeItExists(t *testing.T) {
	t.Parallel()
	d, r := setup(t), newReceiver(t)
	made := d.must("POST", "/v1/webhooks", `{"url":"`+r.url+`","hmac":"`+secret+`","basicAuth":"c2VjcmV0"}`)
	ping := r.next(t)
	checkSigned(t, ping)
	if ping.body != `{"test":"test"}` || ping.header.Get("X-Webhook-Timestamp") != "1790845282345" ||
		ping.header.Get("Authorization") != "Basic c2VjcmV0" {
		t.Errorf("ping: %+v", ping)
	}
	text, _ := json.Marshal(made)
	want := `{"basicAuth":"c2VjcmV0","createdAt":"2026-10-01T09:01:22.345Z","domainId":"` + domainID + `","eventTypes":`
	if !strings.HasPrefix(string(text), want) || made["state"] != "ACTIVE" || made["retryType"] != "circuit-breaker" {
		t.Errorf("webhook: %s", text)
	}
	status, body := d.call("POST", "/v1/webhooks", `{"url":"`+r.url+`"}`)
	if status != http.StatusBadRequest || body != bad("this domain has a webhook already") {
		t.Errorf("second webhook: %d %s", status, body)
	}
	if status, body := d.call("GET", "/v1/webhooks", ""); status != http.StatusOK || !strings.HasPrefix(body, `[{"uuid":`) {
		t.Errorf("list: %d %s, want a bare array", status, body)
	}
	id, _ := made["uuid"].(string)
	if got := d.must("GET", "/v1/webhooks/"+id, ""); got["uuid"] != id {
		t.Errorf("read: %v", got)
	}
	if status, body := d.call("DELETE", "/v1/webhooks/"+id, ""); status != http.StatusOK || body != "" {
		t.Errorf("delete: %d %q, want an empty 200", status, body)
	}
}

func TestWebhookTellsACall(t *testing.T) {
	t.Parallel()
	d, r := setup(t), newReceiver(t)
	d.must("POST", "/v1/rooms", createR)
	d.must("POST", "/v1/rooms", `{"name":"before"}`)
	if _, err := d.Join("before", "", ""); err != nil { // began before the webhook: never told
		t.Fatal(err)
	}
	d.pass(time.Second)
	r.register(t, d, "")
	p := d.join("r", "u1")
	d.pass(2500 * time.Millisecond)
	if err := d.Leave("r", p.SessionID); err != nil {
		t.Fatal(err)
	}
	d.pass(20 * time.Second)
	d.Rooms() // looks at the clock
	payload := `"payload":{"room":"r","user_id":"u1","user_name":"Ann","session_id":"` + p.SessionID + `","joined_at":1790845283.345,"will_eject_at":null,"owner":false,"networkQualityState":"unknown","permissions":{"hasPresence":true,"canSend":true,"canReceive":{"base":true},"canAdmin":false}`
	for _, want := range []string{
		`{"version":"1.0.0","type":"meeting.started","id":"met-sta-` + p.MeetingID + `-1790845283","payload":{"start_ts":1790845283.345,"meeting_id":"` + p.MeetingID + `","room":"r"},"event_ts":1790845283.345}`,
		`{"version":"1.0.0","type":"participant.joined","id":"ptcpt-join-u1-1790845283345",` + payload + `},"event_ts":1790845283.345}`,
		`{"version":"1.0.0","type":"participant.left","id":"ptcpt-left-u1-1790845285845",` + payload + `,"duration":2.5},"event_ts":1790845285.845}`,
		`{"version":"1.0.0","type":"meeting.ended","id":"met-end-` + p.MeetingID + `-1790845285","payload":{"start_ts":1790845283.345,"end_ts":1790845285.845,"meeting_id":"` + p.MeetingID + `","room":"r"},"event_ts":1790845305.845}`,
	} {
		got := r.next(t)
		checkSigned(t, got)
		if diff := cmp.Diff(want, got.body); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	t.Run("CircuitBreakerFallsSilentAfterThree", func(t *testing.T) {
		t.Parallel()
		d, r := setup(t), newReceiver(t)
		made := r.register(t, d, `,"eventTypes":["participant.joined"]`)
		d.must("POST", "/v1/rooms", createR)
		for range 3 {
			r.status <- http.StatusNoContent // 2xx is not enough
		}
		for i := range 3 {
			d.join("r", "u")
			r.next(t)
			eventually(t, func() bool { return count(d.events(), "webhook failed") == i+1 })
		}
		d.join("r", "u")
		id, _ := made["uuid"].(string)
		got := d.must("GET", "/v1/webhooks/"+id, "")
		if got["state"] != "FAILED" || got["failedCount"] != 3.0 || len(r.got) != 0 {
			t.Errorf("state %v after %v failures, %d waiting", got["state"], got["failedCount"], len(r.got))
		}
		got = d.must("POST", "/v1/webhooks/"+id, `{"url":"`+r.url+`"}`)
		if ping := r.next(t); ping.body != `{"test":"test"}` || got["state"] != "ACTIVE" || got["failedCount"] != 0.0 {
			t.Errorf("revived: %v after %q", got, ping.body)
		}
		d.join("r", "u")
		r.next(t)
	})
	t.Run("ExponentialTriesFiveTimes", func(t *testing.T) {
		t.Parallel()
		d, r := setup(t, func(c *emulator.Config) { c.Knobs.WebhookBackoff = time.Nanosecond }), newReceiver(t)
		made := r.register(t, d, `,"retryType":"exponential","eventTypes":["participant.joined"]`)
		d.must("POST", "/v1/rooms", createR)
		for range 5 {
			r.status <- http.StatusInternalServerError
		}
		d.join("r", "u")
		id := r.next(t).id
		for range 4 {
			if again := r.next(t); again.id != id {
				t.Errorf("id %q, want %q again", again.id, id)
			}
		}
		eventually(t, func() bool { return count(d.events(), "webhook failed") == 5 })
		webhook, _ := made["uuid"].(string)
		if got := d.must("GET", "/v1/webhooks/"+webhook, ""); got["state"] != "ACTIVE" || got["failedCount"] != 5.0 {
			t.Errorf("webhook: %v", got)
		}
	})
}

func TestWebhookKnobs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		knobs emulator.Knobs
		kinds []string
	}{
		"Plain":      {emulator.Knobs{}, []string{"meeting.started", "participant.joined"}},
		"Duplicates": {emulator.Knobs{Duplicates: true}, []string{"meeting.started", "meeting.started", "participant.joined", "participant.joined"}},
		"Reorder":    {emulator.Knobs{Reorder: true}, []string{"participant.joined", "meeting.started"}},
		"Seconds":    {emulator.Knobs{TimestampSeconds: true}, []string{"meeting.started", "participant.joined"}},
		"NewIDs":     {emulator.Knobs{Duplicates: true, DuplicateNewID: true}, []string{"meeting.started", "meeting.started", "participant.joined", "participant.joined"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, r := setup(t, func(c *emulator.Config) { c.Knobs = test.knobs }), newReceiver(t)
			r.register(t, d, "")
			d.must("POST", "/v1/rooms", createR)
			d.join("r", "u")
			var kinds []string
			ids := map[string]bool{}
			for range test.kinds {
				got := r.next(t)
				kinds = append(kinds, got.kind)
				ids[got.id] = true
				if n := len(got.header.Get("X-Webhook-Timestamp")); (n == 10) != test.knobs.TimestampSeconds {
					t.Errorf("timestamp of %d digits", n)
				}
				checkSigned(t, got)
			}
			if diff := cmp.Diff(test.kinds, kinds); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := map[bool]int{true: 4, false: 2}[test.knobs.DuplicateNewID]; len(ids) != want {
				t.Errorf("%d ids, want %d", len(ids), want)
			}
		})
	}
}

func count(all []string, one string) int {
	n := 0
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// eventually polls until ok, with a deadline.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
		elapse(time.Millisecond)
	}
}
