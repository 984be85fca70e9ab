package models

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// timeLayout is RFC 3339 in UTC with three digits of a second, always: a phone parses it
// with one fixed format.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is an instant in milliseconds since the Unix epoch, UTC. It is stored as that integer,
// so that comparing in SQL and in Go gives the same answer to the millisecond.
type Time int64

// TimeOf rounds t down to the millisecond.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std gives t as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add moves t by d, rounded down to the millisecond.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Sub is the span from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// Ptr gives a copy of t by reference, for nullable columns.
func (t Time) Ptr() *Time { return &t }

// Month gives the calendar month (UTC) that holds t: its first instant and the next month's.
func (t Time) Month() (start, end Time) {
	y, m, _ := t.Std().Date()
	return TimeOf(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)),
		TimeOf(time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC))
}

// String gives t as clients see it: `2006-01-02T15:04:05.000Z`.
func (t Time) String() string { return t.Std().Format(timeLayout) }

// MarshalJSON writes t as clients see it.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.Std().AppendFormat(make([]byte, 0, len(timeLayout)+2), `"`+timeLayout+`"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and any other RFC 3339.
func (t *Time) UnmarshalJSON(text []byte) error {
	var std time.Time
	if err := std.UnmarshalJSON(text); err != nil {
		return fmt.Errorf("time: %w", err)
	}
	*t = TimeOf(std)
	return nil
}

// MarshalGQL writes t as the DateTime scalar.
func (t Time) MarshalGQL(w io.Writer) {
	text, _ := t.MarshalJSON()
	_, _ = w.Write(text)
}

// UnmarshalGQL reads a DateTime given by a client: RFC 3339 with any offset, rounded up to the
// millisecond, which leaves both `>=` and `<` right for times that are whole milliseconds. Years 1970 to 9999 only, so that every engine stores and orders it alike.
func (t *Time) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("DateTime must be a string such as %q", timeLayout)
	}
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || parsed.UTC().Year() < 1970 || parsed.UTC().Year() > 9999 {
		return fmt.Errorf("DateTime must be RFC 3339 between the years 1970 and 9999, such as %q", timeLayout)
	}
	*t = TimeOf(parsed.Add(time.Millisecond - 1))
	return nil
}

// A Clock tells the present. Tests inject their own.
type Clock func() Time

// SystemClock reads the machine's wall clock.
func SystemClock() Time { return TimeOf(time.Now()) }

type instantKey struct{}

// An Instant is the "now" that one operation works with, taken once, so that a status, a
// filter and a count in the same answer agree.
type Instant struct {
	clock Clock

	mu sync.Mutex
	at *Time // nil until it is asked for
}

// WithInstant pins one reading of the clock for everything done under the returned context. The
// clock is read when the instant is first asked for: an answer that waits for its event is about
// the time of that event.
func (c Clock) WithInstant(ctx context.Context) context.Context {
	return context.WithValue(ctx, instantKey{}, &Instant{clock: c})
}

// Now is the pinned instant of ctx, or the clock's own time when none is pinned.
func (c Clock) Now(ctx context.Context) Time {
	i, ok := ctx.Value(instantKey{}).(*Instant)
	if !ok {
		return c()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.at == nil {
		i.at = i.clock().Ptr()
	}
	return *i.at
}

// Renew takes "now" again after a mutation has made its change, so that its payload shows the
// world after it. GraphQL runs mutations one after another: nobody reads the old one meanwhile.
func (c Clock) Renew(ctx context.Context) {
	if i, ok := ctx.Value(instantKey{}).(*Instant); ok {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.at = nil
	}
}
