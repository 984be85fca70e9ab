package daily

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A call is one operation of the API.
type call struct {
	name, method, path string
	query              url.Values
	// once hands a failure with an unclear outcome back instead of repeating it.
	once bool
	// most is the bytes of a reply that are read; 0 is maxReply.
	most int64
}

// do makes a call, repeats it as far as it may be repeated, and hands the body of a 200 to read.
// A reply that read refuses counts as none, so read starts afresh each time.
func (c *Client) do(ctx context.Context, op call, in any, read func(text []byte) error) error {
	var body any // nil must reach the library as such
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("daily: %s: %w", op.name, err)
		}
		body = text
	}
	address := c.base + op.path
	if len(op.query) > 0 {
		address += "?" + op.query.Encode()
	}
	req, err := retryablehttp.NewRequestWithContext(context.WithValue(ctx, callKey{}, op), op.method, address, body)
	if err != nil {
		return fmt.Errorf("daily: %s: %w", op.name, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	t := &tries{client: c, op: op, read: read}
	again := retryablehttp.Client{
		HTTPClient:   c.http,
		RetryMax:     c.retries,
		CheckRetry:   t.check,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return t.wait },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	resp, err := again.Do(req)
	if resp != nil {
		_ = resp.Body.Close()
	}
	switch {
	case t.last != nil:
		return t.last.wrap(cmp.Or(t.told, maxWait))
	case err != nil:
		return c.failure(op, 0, err).wrap(maxWait)
	}
	return nil
}

// tries is the state of one call over its tries.
type tries struct {
	client *Client
	op     call
	read   func([]byte) error

	n    int
	last *Error        // why the latest try failed; nil when it did not
	wait time.Duration // before the next
	told time.Duration // how long Daily or the rate said to wait; 0 when nobody did
}

// check judges one try; true asks for another.
func (t *tries) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	t.last = t.verdict(resp, err)
	if t.last == nil {
		return false, nil
	}
	t.told = t.last.retryAfter(resp)
	t.wait = cmp.Or(t.told, jitter(t.n))
	if t.last.Status == http.StatusTooManyRequests {
		t.client.limiter(t.op.method).pause(t.wait)
	}
	again := !t.last.Permanent() && (!t.op.once || t.last.refused()) && ctx.Err() == nil
	// Nobody gains from waiting for a try that comes too late.
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < t.wait {
		again = false
	}
	again = again && t.n < t.client.retries
	t.n++
	level := slog.LevelWarn
	switch {
	case t.last.Status == http.StatusBadRequest, t.last.Status == http.StatusNotFound:
		level = slog.LevelDebug // an answer, usually: it exists already, or not any more
	case errors.Is(ctx.Err(), context.Canceled):
		level = slog.LevelDebug // called off from here, as when this server stops: nothing of Daily's
	}
	t.client.log.LogAttrs(ctx, level, "daily call failed",
		slog.String("call", t.op.name), slog.Int("status", t.last.Status), slog.String("code", t.last.Code),
		slog.String("cause", t.last.text), slog.Int("try", t.n), slog.Bool("again", again))
	return again, nil
}

// verdict reads the reply; nil when it is a success that could be decoded.
func (t *tries) verdict(resp *http.Response, err error) *Error {
	if err != nil {
		return t.client.failure(t.op, 0, err)
	}
	text, err := io.ReadAll(resp.Body) // in memory by now
	if err != nil {
		return t.client.failure(t.op, resp.StatusCode, err)
	}
	if resp.StatusCode != http.StatusOK {
		return t.client.refusal(t.op, resp.StatusCode, text)
	}
	if err := t.read(text); err != nil {
		return t.client.failure(t.op, resp.StatusCode, err)
	}
	return nil
}

// into decodes a reply afresh and lets take check and keep it.
func into[T any](take func(*T) error) func([]byte) error {
	return func(text []byte) error {
		reply := new(T)
		if json.Unmarshal(text, reply) != nil {
			return errUnreadable
		}
		return take(reply)
	}
}

// failure is a try without a usable reply.
func (c *Client) failure(op call, status int, err error) *Error {
	if wrapped, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client's own wrapping, which repeats the address
		err = wrapped.Err
	}
	return &Error{Call: op.name, Status: status, cause: err, text: c.clean(err.Error()), final: err == errPublic} //nolint:errorlint // never wrapped
}

// refusal is a reply that says no. A body that is not Daily's leaves Code empty.
func (c *Client) refusal(op call, status int, text []byte) *Error {
	var body struct{ Error, Info string }
	if json.Unmarshal(text, &body) != nil {
		body.Error, body.Info = "", ""
	}
	return &Error{Call: op.name, Status: status, Code: c.clean(body.Error), Info: c.clean(body.Info)}
}

// retryAfter is how long it makes no sense to try again: as Daily says or, when the call was
// never made, until the rate has a place. 0 when nobody knows.
func (e *Error) retryAfter(resp *http.Response) time.Duration {
	if noPlace, ok := errors.AsType[*noPlaceError](e.cause); ok {
		return noPlace.after
	}
	if resp == nil {
		return 0
	}
	return parseRetryAfter(resp.Header)
}

// jitter is a wait before the n-th repetition, from 0: anywhere up to the backoff.
func jitter(n int) time.Duration {
	return rand.N(min(maxWait, firstWait<<min(n, 10))) + 1 //nolint:gosec // G404: nobody gains by foreseeing a wait
}

// parseRetryAfter reads the header in both its forms, capped; 0 when there is none. A date
// counts from the reply's own clock, which may differ from ours.
func parseRetryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}
