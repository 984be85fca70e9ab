package webhooks

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"greenroom/models"
)

// waits are the times between two tries: with the first at once, eight tries in 27.6 hours, as
// Svix has them (docs.svix.com/retries).
var waits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
}

const (
	// maxTries is how often an event is tried before its delivery has failed.
	maxTries = 8
	// jitter is the part of a wait by which it may be shorter or longer, so that what failed
	// together is not tried together.
	jitter = 0.1
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = 10 * time.Hour

	// disableAfter is how long an endpoint may do nothing but fail before it is disabled. A pause
	// of forgiveAfter without any failure starts the count anew.
	disableAfter = 5 * 24 * time.Hour
	forgiveAfter = 24 * time.Hour
)

// nextTry is how long to wait after so many failed tries: at least as long as the receiver asks
// for, within bounds. False when there is no next one. chance is 0 to 1.
func nextTry(tries int, asked time.Duration, chance float64) (time.Duration, bool) {
	if tries >= maxTries {
		return 0, false
	}
	wait := waits[tries-1]
	wait += time.Duration(float64(wait) * jitter * (2*chance - 1))
	return max(wait, min(asked, maxRetryAfter)), true
}

func byChance() float64 { return rand.Float64() } //nolint:gosec // G404: jitter, not a secret

// retryAfter reads the header of that name, seconds or a date (RFC 9110, 10.2.3); 0 when there is
// none that can be read.
func retryAfter(h http.Header, now models.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now.Std())) // which stays within a Duration, whatever the year
	}
	return 0
}

// fail notes a failed try at an endpoint, and disables one that has done nothing but fail for too
// long; it tells whether it did.
func fail(e *models.WebhookEndpoint, at models.Time) bool {
	if e.FailingSince == nil || at.Sub(*e.LastFailureAt) > forgiveAfter {
		e.FailingSince = &at
	}
	e.LastFailureAt = &at
	if e.DisabledAt != nil || at.Sub(*e.FailingSince) < disableAfter {
		return false
	}
	e.Disable(at, models.DisabledFailing)
	return true
}
