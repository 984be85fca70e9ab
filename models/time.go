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
	return t.AppendJSON(make([]byte, 0, len(timeLayout)+2)), nil
}

// year10000 is the first instant that timeLayout has no room for.
const year10000 Time = 253_402_300_800_000

// AppendJSON writes t as clients see it, in quotes. A page of sessions has hundreds of times, and
// package time takes several times as long for one.
func (t Time) AppendJSON(b []byte) []byte {
	if t < 0 || t >= year10000 {
		return t.Std().AppendFormat(b, `"`+timeLayout+`"`)
	}
	ms, s := t%1000, t/1000
	days := s / 86400
	s %= 86400
	// The calendar repeats every 400 years of 146,097 days. Counted from 1 March 0000, a leap day is a
	// year's last. https://howardhinnant.github.io/date_algorithms.html#civil_from_days
	days += 719468
	era := days / 146097
	day := days % 146097
	year := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*year + year/4 - year/100
	shifted := (5*day + 2) / 153
	day -= (153*shifted+2)/5 - 1
	month := shifted + 3
	if month > 12 {
		month -= 12
	}
	year += 400 * era
	if month <= 2 {
		year++
	}
	b = append(b, '"')
	b = appendDigits(appendDigits(b, year/100), year%100)
	b = appendDigits(append(b, '-'), month)
	b = appendDigits(append(b, '-'), day)
	b = appendDigits(append(b, 'T'), s/3600)
	b = appendDigits(append(b, ':'), s/60%60)
	b = appendDigits(append(b, ':'), s%60)
	b = appendDigits(append(b, '.', "0123456789"[ms/100]), ms%100)
	return append(b, 'Z', '"')
}

// appendDigits writes a number below 100.
func appendDigits(b []byte, n Time) []byte {
	const digits = "0123456789"
	return append(b, digits[n/10], digits[n%10])
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
	_, _ = w.Write(t.AppendJSON(make([]byte, 0, len(timeLayout)+2)))
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
