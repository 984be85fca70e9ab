package models

import (
	"errors"
	"fmt"
	"time"
)

// A Kind is one of the closed set of reasons for which this program refuses or fails. Every
// error that reaches a client is one of these; anything else is shown as INTERNAL.
type Kind string

// What a caller of a mutation can act on (`userErrors`).
const (
	KindInvalidInput        Kind = "INVALID_INPUT"
	KindNotFound            Kind = "NOT_FOUND"
	KindSessionEnded        Kind = "SESSION_ENDED"
	KindConcurrencyLimit    Kind = "CONCURRENCY_LIMIT_REACHED"
	KindQuotaExhausted      Kind = "QUOTA_EXHAUSTED"
	KindNoAvatarServer      Kind = "NO_AVATAR_SERVER"
	KindAvatarNotReady      Kind = "AVATAR_NOT_READY"
	KindIdempotencyMismatch Kind = "IDEMPOTENCY_MISMATCH"
	KindAvatarArchived      Kind = "AVATAR_ARCHIVED"
)

// What stops a whole operation (`errors[].extensions.code`).
const (
	KindUnauthenticated Kind = "UNAUTHENTICATED"
	KindForbidden       Kind = "FORBIDDEN"
	KindRateLimited     Kind = "RATE_LIMITED"
	KindUnavailable     Kind = "UNAVAILABLE"
)

// KindConflict is a compare-and-swap that lost. It never leaves the program: whoever lost
// reads the truth and answers that.
const KindConflict Kind = "CONFLICT"

// An Error is a refusal or failure with a Kind. Its message is for developers and carries
// neither secrets nor the raw request.
type Error struct {
	Kind    Kind
	Message string
	// Field is the path below `input` that an INVALID_INPUT is about; nil when not about one.
	Field []string
	// RetryAfter is how long to wait before the same request may succeed; 0 when repeating it
	// unchanged will not help.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Message }

// Is makes errors.Is(err, ErrX) compare kinds, so that a refusal with its own words still
// matches the plain one.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// The plain refusals, for errors.Is and where there is nothing to add.
var (
	ErrNotFound        = &Error{Kind: KindNotFound, Message: "not found"}
	ErrConflict        = &Error{Kind: KindConflict, Message: "somebody else was first"}
	ErrSessionEnded    = &Error{Kind: KindSessionEnded, Message: "the session has ended"}
	ErrAvatarArchived  = &Error{Kind: KindAvatarArchived, Message: "the avatar is archived and takes no new sessions", Field: []string{"avatarId"}}
	ErrUnauthenticated = &Error{Kind: KindUnauthenticated, Message: "this needs a valid credential: send Authorization: Bearer, or x-api-key"}
	ErrForbidden       = &Error{Kind: KindForbidden, Message: "this credential may not do that"}
	ErrMismatch        = &Error{Kind: KindIdempotencyMismatch, Message: "this idempotencyKey was used with other input in the last 24 hours", Field: []string{"idempotencyKey"}}
)

// Invalid is an INVALID_INPUT about one field of the input.
func Invalid(message string, field ...string) *Error {
	return &Error{Kind: KindInvalidInput, Message: message, Field: field}
}

// Unavailable is an UNAVAILABLE: something this server depends on does not answer.
func Unavailable(message string, retryAfter time.Duration) *Error {
	return &Error{Kind: KindUnavailable, Message: message, RetryAfter: retryAfter}
}

// KindOf is the kind of err, or "" when it has none and is therefore internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// NotFound names what was not found without saying whether it exists for somebody else.
func NotFound(what string) *Error {
	return &Error{Kind: KindNotFound, Message: fmt.Sprintf("no such %s", what), Field: []string{"id"}}
}

// Named turns a bare "not found" into one that says what, and leaves any other err as it is.
func Named(what string, err error) error {
	if errors.Is(err, ErrNotFound) {
		return NotFound(what)
	}
	return err
}
