package daily

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"greenroom/models"
)

// The headers of a signed webhook.
const (
	SignatureHeader = "X-Webhook-Signature"
	TimestampHeader = "X-Webhook-Timestamp"
)

const (
	// maxEvent is far above what Daily sends: about 1 kB.
	maxEvent = 64 << 10
	// freshFor is how far a webhook's timestamp may be from our clock: beyond Daily's repetitions,
	// which come up to 15 minutes late (docs.daily.co/reference/rest-api/webhooks). Nobody knows
	// whether it stamps them anew.
	freshFor = 20 * time.Minute
	// eventWithin is below what Daily waits for an answer: 8 s.
	eventWithin = 5 * time.Second
	// firstMillis divides timestamps in seconds (until the year 5138) from those in milliseconds
	// (from 1973 on).
	firstMillis = 100_000_000_000
)

// SignWebhook gives the signature of a webhook, as Daily documents it: HMAC-SHA256 under the
// decoded secret over the timestamp header as sent, a dot and the raw body, in base64. The
// timestamp is in milliseconds in deliveries that were observed; the signature does not care.
func SignWebhook(secret, timestamp string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return "", errors.New("daily: the webhook secret is not base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// WebhookHandler takes Daily's webhooks and tells take of the people who came and went. secret is
// the webhook's hmac, base64; without one every request is answered 404. By clock it is decided
// how old a webhook is.
//
// What is not signed with the secret, or not now, is 401, Daily's test on creating the webhook
// included: a secret that differs from Daily's shows there, and not when events are missing. A
// signed body that cannot be read is 400. Event types that nobody here asked for are answered 200
// like the others. Daily repeats what is answered otherwise, so an event is answered only once
// take is done with it, and its failure is 500. Daily delivers more than once and out of order:
// take must not mind.
func WebhookHandler(secret string, clock models.Clock, take func(context.Context, Event) error) http.Handler {
	if secret == "" {
		return http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "webhooks are sent by POST", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
			return
		} else if err != nil {
			http.Error(w, "the body cannot be read", http.StatusBadRequest)
			return
		}
		if !signed(secret, clock(), r.Header, body) {
			http.Error(w, "the signature is not right, or too old", http.StatusUnauthorized)
			return
		}
		ev, err := readEvent(body)
		switch {
		case err != nil:
			http.Error(w, "the event cannot be read", http.StatusBadRequest)
		case ev == nil: // the test, or a type that is none of ours
			w.WriteHeader(http.StatusOK)
		default:
			handEvent(w, r, *ev, take)
		}
	})
}

// handEvent passes an event on and answers it.
func handEvent(w http.ResponseWriter, r *http.Request, ev Event, take func(context.Context, Event) error) {
	ctx, cancel := context.WithTimeout(r.Context(), eventWithin)
	defer cancel()
	if err := take(ctx, ev); err != nil {
		http.Error(w, "the event could not be noted; send it again", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// signed tells whether a body was signed with the secret, within the last minutes before now.
// The timestamp is signed as it was sent, whatever its unit.
func signed(secret string, now models.Time, header http.Header, body []byte) bool {
	stamp, given := header.Get(TimestampHeader), header.Get(SignatureHeader)
	want, err := SignWebhook(secret, stamp, body)
	if err != nil || !hmac.Equal([]byte(given), []byte(want)) {
		return false
	}
	at, ok := stampTime(stamp)
	return ok && at >= now.Add(-freshFor) && at <= now.Add(freshFor)
}

// stampTime reads a timestamp header, in milliseconds or in seconds.
func stampTime(stamp string) (models.Time, bool) {
	n, err := strconv.ParseUint(stamp, 10, 46) // until the year 4199 in milliseconds
	if err != nil {
		return 0, false
	}
	if n < firstMillis {
		n *= 1000
	}
	return models.Time(n), true
}
