package daily

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"greenroom/models"
)

// An Error is what Daily answered to a call, or why there was no usable answer. Callers receive
// it wrapped: KindOf is UNAVAILABLE (nobody but this installation's operator can act on it), or
// NOT_FOUND for a room that is not there.
type Error struct {
	// Call names what was attempted, such as "create room".
	Call string
	// Status is the HTTP status; 0 when no reply came.
	Status int
	// Code is Daily's stable error id, such as "invalid-request-error"; Info is its free text,
	// cut and cleaned, which may change any day.
	Code, Info string

	cause error
	text  string // of cause, cleaned
	final bool
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("daily: ")
	b.WriteString(e.Call)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	for _, part := range []string{e.Code, e.Info, e.text} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	return b.String()
}

// Unwrap gives the cause when there was no usable reply, such as context.DeadlineExceeded.
func (e *Error) Unwrap() error { return e.cause }

// Permanent tells whether repeating the same call is pointless until somebody changes
// something: a wrong key, a refused request, a redirect.
func (e *Error) Permanent() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return e.final || e.Status >= 300 && e.Status < 500
}

// refused tells whether it is certain that Daily did not do what was asked: it said so, or the
// request never left.
func (e *Error) refused() bool {
	if e.Status == http.StatusTooManyRequests || e.Permanent() {
		return true
	}
	if _, ok := errors.AsType[*noPlaceError](e.cause); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](e.cause)
	return ok && op.Op == "dial"
}

var (
	errUnreadable = errors.New("the reply is not what the API describes")
	errPublic     = errors.New("a room of this name exists and is not private")
	errNoProgress = errors.New("the list does not come to an end")
)

// wrap gives the error the kind by which the rest of the program decides.
func (e *Error) wrap(retryAfter time.Duration) error {
	if e.Permanent() {
		return fmt.Errorf("%w: %w", models.Unavailable("the video room provider refuses this server's request", 0), e)
	}
	return fmt.Errorf("%w: %w", models.Unavailable("the video room provider does not answer as it should", retryAfter), e)
}

// notFound is wrap for a room that is not there.
func (e *Error) notFound() error {
	return fmt.Errorf("%w: %w", models.NotFound("room"), e)
}

// clean makes text from outside fit for a log line: short, printable, and without the API key,
// should a proxy have echoed it.
func (c *Client) clean(text string) string {
	text = c.redact.Replace(text)
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxInfo {
		text = string(runes[:maxInfo]) + "…"
	}
	return text
}
