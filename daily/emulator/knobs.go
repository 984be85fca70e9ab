package emulator

import (
	"cmp"
	"time"
)

// Knobs are what nobody outside Daily knows for sure. The zero Knobs are the likeliest guess;
// for lengths of time 0 is the default given and a negative one is none.
type Knobs struct {
	// RetryAfter is sent with a 429 in seconds; 0 sends no such header.
	RetryAfter time.Duration
	// KeepExpiredNames refuses to make a room under the name of one that expired and was not
	// deleted.
	KeepExpiredNames bool
	// TokenNeedsRoom refuses meeting tokens for rooms that do not exist.
	TokenNeedsRoom bool
	// InvalidToken is the error id for a token that does not verify; empty is
	// "invalid-request-error".
	InvalidToken string

	// HostingLag is how long after the first join the calls about a running call (recordings,
	// messages, session data) still deny that there is one: 5 s.
	HostingLag time.Duration
	// EjectLag is the same for eject: none.
	EjectLag time.Duration
	// EjectDelay is how long after the answer to an eject people are gone: none.
	EjectDelay time.Duration
	// PresenceLag is how late presence shows who came and who left: 15 s.
	PresenceLag time.Duration
	// MeetingEndedDelay is how long an empty call waits for somebody to come back before it has
	// ended: 20 s.
	MeetingEndedDelay time.Duration
	// DeleteSilent makes deleting a room with people in it send no webhooks.
	DeleteSilent bool
	// DeleteDelay is how long after the answer to DELETE people are gone: none.
	DeleteDelay time.Duration

	// TimestampSeconds signs webhooks with seconds instead of milliseconds.
	TimestampSeconds bool
	// SameTimestamp signs every try of one webhook with the first one's timestamp.
	SameTimestamp bool
	// Duplicates delivers every webhook twice; with DuplicateNewID the second has another id.
	Duplicates, DuplicateNewID bool
	// Reorder delivers webhooks in swapped pairs.
	Reorder bool
	// WebhookTimeout is how long a receiver may take: 8 s.
	WebhookTimeout time.Duration
	// WebhookBackoff is the wait before the first repetition under "exponential", four times as
	// long before each further one: 5 s, so that five tries take 7 minutes.
	WebhookBackoff time.Duration
	// WebhookAsArray makes GET of one webhook answer a list, as the OpenAPI text has it.
	WebhookAsArray bool
	// SecondWebhook is the status for creating a second webhook: 400.
	SecondWebhook int
	// NoCard makes webhooks answer 400 "invalid-plan-type".
	NoCard bool
}

func (k Knobs) withDefaults() Knobs {
	k.InvalidToken = cmp.Or(k.InvalidToken, invalidRequest)
	k.HostingLag = orDefault(k.HostingLag, 5*time.Second)
	k.EjectLag = orDefault(k.EjectLag, 0)
	k.EjectDelay = orDefault(k.EjectDelay, 0)
	k.PresenceLag = orDefault(k.PresenceLag, 15*time.Second)
	k.MeetingEndedDelay = orDefault(k.MeetingEndedDelay, 20*time.Second)
	k.DeleteDelay = orDefault(k.DeleteDelay, 0)
	k.WebhookTimeout = orDefault(k.WebhookTimeout, 8*time.Second)
	k.WebhookBackoff = orDefault(k.WebhookBackoff, 5*time.Second)
	k.SecondWebhook = cmp.Or(k.SecondWebhook, 400)
	return k
}

func orDefault(d, def time.Duration) time.Duration { return max(0, cmp.Or(d, def)) }
