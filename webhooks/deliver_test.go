package webhooks

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"greenroom/models"
)

// verify checks a call with the public library, as a receiver does.
func verify(t *testing.T, secret string, c call) error {
	t.Helper()
	receiver, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return receiver.VerifyIgnoringTimestamp(c.body, c.header) // the test's clock is not the library's
}

func TestDelivery(t *testing.T) {
	t.Parallel()

	t.Run("IsSignedAsTheSpecificationHasIt", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, nil)
		e, secret := w.endpoint(r.URL + "/in?a=1")
		d := w.sendTest(e)
		w.deliver()
		calls := r.got()
		if len(calls) != 1 {
			t.Fatalf("%d calls", len(calls))
		}
		if err := verify(t, secret, calls[0]); err != nil {
			t.Error(err)
		}
		if other, _ := newSecret(); verify(t, other, calls[0]) == nil {
			t.Error("another secret verifies it, too")
		}
		want := `{"type":"webhook.test","timestamp":"` + epoch.String() + `","data":{"endpoint_id":"` + e.ID + `"}}`
		if got := calls[0]; string(got.body) != want || got.id() != d.EventID ||
			got.header.Get("Webhook-Timestamp") != strconv.FormatInt(int64(epoch)/1000, 10) ||
			got.header.Get("Content-Type") != "application/json" {
			t.Errorf("sent %s with %v", got.body, got.header)
		}
		if got := w.last(d); got != `{"State":"DELIVERED","Status":204,"Error":null}` {
			t.Error(got)
		}
	})

	t.Run("IsTriedAtTheInstantsOfTheSchedule", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, status(http.StatusInternalServerError))
		e, secret := w.endpoint(r.URL)
		d := w.sendTest(e)
		for i, wait := range []time.Duration{
			0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
		} {
			if wait > 0 {
				w.pass(wait - time.Millisecond)
				w.deliver()
				if n := len(r.got()); n != i {
					t.Fatalf("try %d came early", n)
				}
				w.pass(time.Millisecond)
			}
			if next := w.read(d).NextAttemptAt(); next == nil || *next != w.clock() {
				t.Fatalf("try %d is due at %v, want %v", i+1, next, w.clock())
			}
			w.deliver()
			calls := r.got()
			if len(calls) != i+1 {
				t.Fatalf("%d tries, want %d", len(calls), i+1)
			}
			if c := calls[i]; c.id() != d.EventID || verify(t, secret, c) != nil || c.header.Get("Webhook-Timestamp") != strconv.FormatInt(w.clock().Std().Unix(), 10) {
				t.Errorf("try %d: %v", i+1, c.header)
			}
		}
		got := w.read(d)
		if got.State != models.DeliveryFailed || got.NextAttemptAt() != nil || len(got.Attempts) != 8 || *got.FinishedAt != w.clock() {
			t.Errorf("at the end %+v", got)
		}
		w.pass(100 * time.Hour)
		w.deliver()
		if n := len(r.got()); n != 8 {
			t.Errorf("%d tries", n)
		}
	})

	t.Run("IsSignedWithBothSecretsWhileRotating", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, status(http.StatusBadGateway))
		e, old := w.endpoint(r.URL)
		d := w.sendTest(e)
		w.deliver()
		_, fresh, until, err := w.service.RotateSecret(w.key(), e.ID)
		if err != nil || until != epoch.Add(24*time.Hour) || fresh == old {
			t.Fatal(until, err)
		}
		for _, pause := range []time.Duration{5 * time.Second, 24 * time.Hour} {
			w.pass(pause)
			w.deliver()
		}
		for i, want := range []struct{ old, fresh bool }{{true, false}, {true, true}, {false, true}} {
			c := r.got()[i]
			got := struct{ old, fresh bool }{verify(t, old, c) == nil, verify(t, fresh, c) == nil}
			if got != want || c.id() != d.EventID {
				t.Errorf("try %d verifies as %v, want %v", i+1, got, want)
			}
		}
	})

	t.Run("WaitsAsLongAsTheReceiverAsksWithinBounds", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		for header, want := range map[string]time.Duration{
			"120": 2 * time.Minute, "1": 5 * time.Second, "999999999": 10 * time.Hour, "-5": 5 * time.Second, "soon": 5 * time.Second,
			epoch.Add(time.Hour).Std().Format(http.TimeFormat):  time.Hour - time.Duration(epoch%1000)*time.Millisecond,
			epoch.Add(-time.Hour).Std().Format(http.TimeFormat): 5 * time.Second,
			"Fri, 31 Dec 9999 23:59:59 GMT":                     10 * time.Hour, // further away than a Duration goes
		} {
			r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", header)
				w.WriteHeader(http.StatusTooManyRequests)
			})
			e, _ := w.endpoint(r.URL)
			d := w.sendTest(e)
			w.deliver()
			if next := w.read(d).NextAttemptAt(); next == nil || next.Sub(epoch) != want {
				t.Errorf("%s: in %v, want %s", header, next, want)
			}
		}
	})

	t.Run("IsReplayedUnderTheSameID", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		var code atomic.Int64
		code.Store(http.StatusOK)
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(code.Load())) })
		e, _ := w.endpoint(r.URL)
		d := w.sendTest(e)
		w.deliver()
		code.Store(http.StatusTeapot)
		again, err := w.service.Replay(w.key(), d.ID)
		if err != nil || again.State != models.DeliveryPending || again.FinishedAt != nil {
			t.Fatalf("%+v, %v", again, err)
		}
		w.deliver()
		if _, err := w.service.Replay(w.key(), d.ID); err != nil { // it waits 5 s: now
			t.Fatal(err)
		}
		code.Store(http.StatusOK)
		w.deliver()
		var statuses []int
		for _, a := range w.read(d).Attempts {
			statuses = append(statuses, *a.HTTPStatus)
		}
		if diff := cmp.Diff([]int{200, 418, 200}, statuses); diff != "" {
			t.Errorf("tries (-want +got):\n%s", diff)
		}
		for _, c := range r.got() {
			if c.id() != d.EventID {
				t.Errorf("under the id %s", c.id())
			}
		}
	})
}

func TestRotateSecret(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e, _ := w.endpoint("https://hooks.example.com")
	for range maxSecrets - 1 {
		w.pass(time.Minute)
		if _, _, _, err := w.service.RotateSecret(w.key(), e.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, _, _, err := w.service.RotateSecret(w.key(), e.ID)
	if models.KindOf(err) != models.KindInvalidInput {
		t.Errorf("too many secrets: %v", err)
	}
	w.pass(24 * time.Hour)
	if _, _, _, err := w.service.RotateSecret(w.key(), e.ID); err != nil {
		t.Errorf("when the old ones have expired: %v", err)
	}
}

func TestDisabling(t *testing.T) {
	t.Parallel()

	t.Run("AfterFiveDaysOfNothingButFailures", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, status(http.StatusInternalServerError))
		e, _ := w.endpoint(r.URL)
		for at := time.Duration(0); at < disableAfter; at += 10 * time.Hour {
			w.sendTest(e)
			w.deliver()
			if got := w.readEndpoint(e); got.DisabledAt != nil || *got.FailingSince != epoch {
				t.Fatalf("after %s: %+v", at, got)
			}
			w.pass(10 * time.Hour)
		}
		waiting := w.sendTest(e)
		w.deliver()
		got := w.readEndpoint(e)
		if got.DisabledAt == nil || *got.DisabledReason != models.DisabledFailing {
			t.Fatalf("%+v", got)
		}
		if _, err := w.service.SendTest(w.key(), e.ID); models.KindOf(err) != models.KindInvalidInput {
			t.Errorf("a test to a disabled endpoint: %v", err)
		}
		// What waits is given up when it is due, without a try.
		calls := len(r.got())
		w.pass(11 * time.Hour)
		w.deliver()
		if got := w.read(waiting); got.State != models.DeliveryFailed || len(r.got()) != calls {
			t.Errorf("%+v, %d tries more", got, len(r.got())-calls)
		}
		if got, err := w.service.EnableEndpoint(w.key(), e.ID); err != nil || got.DisabledAt != nil || got.FailingSince != nil {
			t.Errorf("enabled: %+v, %v", got, err)
		}
		w.sendTest(e)
		w.deliver()
		if got := w.readEndpoint(e); got.DisabledAt != nil || len(r.got()) != calls+1 {
			t.Errorf("after it was enabled %+v", got)
		}
	})

	t.Run("NotWhenFailuresAreFarBetween", func(t *testing.T) {
		t.Parallel()
		e := &models.WebhookEndpoint{}
		for day := range 30 {
			if fail(e, epoch.Add(time.Duration(day)*25*time.Hour)) {
				t.Fatalf("on day %d", day)
			}
		}
	})

	t.Run("NotWhenSomethingWorkedMeanwhile", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		var code atomic.Int64
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(code.Load())) })
		e, _ := w.endpoint(r.URL)
		for i := range 16 {
			code.Store(http.StatusInternalServerError)
			if i == 7 {
				code.Store(http.StatusOK)
			}
			w.sendTest(e)
			if _, err := w.service.round(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.service.background.Wait()
			w.pass(10 * time.Hour)
		}
		if got := w.readEndpoint(e); got.DisabledAt != nil {
			t.Errorf("%+v", got)
		}
	})

	t.Run("AtOnceWhenTheReceiverIsGone", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, status(http.StatusGone))
		e, _ := w.endpoint(r.URL)
		d := w.sendTest(e)
		w.deliver()
		got := w.readEndpoint(e)
		if got.DisabledAt == nil || *got.DisabledReason != models.DisabledGone || w.read(d).State != models.DeliveryFailed {
			t.Errorf("%+v, %s", got, w.last(d))
		}
	})

	t.Run("OnRequestKeepsItsTime", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		e, _ := w.endpoint("https://hooks.example.com")
		for range 2 {
			got, err := w.service.DisableEndpoint(w.key(), e.ID)
			if err != nil || *got.DisabledAt != epoch || *got.DisabledReason != models.DisabledByRequest {
				t.Fatalf("%+v, %v", got, err)
			}
			w.pass(time.Minute)
		}
	})
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	var shortest, longest time.Duration
	for tries := 1; tries < maxTries; tries++ {
		least, _ := nextTry(tries, 0, 0)
		most, _ := nextTry(tries, 0, 1)
		if least >= most {
			t.Errorf("try %d has no jitter", tries)
		}
		shortest, longest = shortest+least, longest+most
	}
	if shortest < 24*time.Hour || longest > 31*time.Hour {
		t.Errorf("eight tries take %s to %s", shortest, longest)
	}
	if _, again := nextTry(maxTries, 0, 0); again {
		t.Error("there is a ninth try")
	}
}

// What the API and the log tell of a try names neither the secret nor addresses inside.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	w, r := setup(t), receive(t, status(http.StatusInternalServerError))
	e, secret := w.endpoint(r.URL)
	_, fresh, _, err := w.service.RotateSecret(w.key(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	d := w.sendTest(e)
	w.deliver()
	r.Close()
	w.pass(time.Minute)
	w.deliver()
	if got := w.last(d); !strings.Contains(got, "the connection was refused") || strings.Contains(got, "127.0.0") {
		t.Error(got)
	}
	w.keepsNo(secret, fresh)

	// Whoever has another master secret can sign nothing, and says so.
	w.cfg.Secret = []byte("another-installations-secret-0123456789")
	w.service = w.another()
	w.pass(time.Hour)
	w.deliver()
	if got := w.last(d); !strings.Contains(got, "rotate it") {
		t.Error(got)
	}
	working := receive(t, nil)
	if _, err := w.service.UpdateEndpoint(w.key(), e.ID, Change{URL: &working.URL}); err != nil {
		t.Fatal(err)
	}
	_, readable, _, err := w.service.RotateSecret(w.key(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	w.deliver()
	if calls := working.got(); len(calls) != 1 || verify(t, readable, calls[0]) != nil {
		t.Errorf("after the secret was rotated: %d calls", len(calls))
	}
	if !strings.Contains(w.log.String(), "GREENROOM_SECRET") {
		t.Errorf("logged %s", w.log)
	}
}
