package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"greenroom/daily"
	"greenroom/models"
)

const (
	// maxTries is how often one event is sent under "exponential".
	maxTries = 5
	// breakAfter is how many failures in a row switch off a "circuit-breaker".
	breakAfter = 3
	// maxBackoff is the longest wait between two tries.
	maxBackoff = 15 * time.Minute
	// reorderWait is how long an event waits to be overtaken.
	reorderWait = time.Second
)

// A delivery is one event on its way to the webhook.
type delivery struct {
	hook  *webhook
	event event
}

// emit sends an event of a call to the webhook, if that wants it. Calls that began before the
// webhook was made are not told of. mu is held.
func (e *Emulator) emit(m *meeting, ev event) {
	h := e.hook
	if h == nil || h.state != stateActive || m.silent || m.start < h.created || !slices.Contains(h.types, ev.kind) {
		return
	}
	e.enqueue(delivery{h, ev})
	if e.cfg.Knobs.Duplicates {
		again := ev
		if e.cfg.Knobs.DuplicateNewID {
			again.id += "-2"
		}
		e.enqueue(delivery{h, again})
	}
}

func (e *Emulator) enqueue(d delivery) {
	if e.cfg.Knobs.Reorder && e.held == nil {
		e.held = &d
		e.plan(d.event.at.Add(reorderWait), func(models.Time) { e.unhold() })
		return
	}
	e.queue = append(e.queue, d)
	e.unhold()
	e.work()
}

// unhold lets the event go that waited to be overtaken.
func (e *Emulator) unhold() {
	if e.held != nil {
		e.queue = append(e.queue, *e.held)
		e.held = nil
		e.work()
	}
}

// work has the queue worked through in order. mu is held.
func (e *Emulator) work() {
	if e.busy || e.closed {
		return
	}
	e.busy = true
	e.spawn(func() {
		for {
			var d delivery
			e.mu.Lock()
			if len(e.queue) == 0 || e.closed {
				e.busy = false
				e.mu.Unlock()
				return
			}
			d, e.queue = e.queue[0], e.queue[1:]
			e.mu.Unlock()
			e.deliver(d)
		}
	})
}

// deliver tries once, and under "exponential" leaves further tries to another goroutine, so
// that later events need not wait.
func (e *Emulator) deliver(d delivery) {
	stamp := e.timestamp(e.cfg.Clock())
	if e.try(d, stamp) || d.hook.retryTypeNow(e) != exponential {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spawn(func() {
		wait := e.cfg.Knobs.WebhookBackoff
		for range maxTries - 1 {
			if !e.wait(min(wait, maxBackoff)) {
				return
			}
			if !e.cfg.Knobs.SameTimestamp {
				stamp = e.timestamp(e.cfg.Clock())
			}
			if e.try(d, stamp) {
				return
			}
			wait *= 4
		}
	})
}

func (h *webhook) retryTypeNow(e *Emulator) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return h.retryType
}

// try sends an event once and notes what came of it; true when there is nothing left to try.
func (e *Emulator) try(d delivery, stamp string) bool {
	e.mu.Lock()
	h, current := *d.hook, e.hook == d.hook
	e.mu.Unlock()
	if !current || h.state != stateActive {
		return true
	}
	err := e.post(context.Background(), h, d.event.body(), stamp)
	e.do(func(now models.Time) {
		if err == nil {
			d.hook.pushed = now.Ptr()
			d.hook.failed = 0
			e.note(now, "webhook delivered", "", d.event.id)
			return
		}
		d.hook.failed++
		e.note(now, "webhook failed", "", d.event.id)
		if h.retryType == circuitBreaker && d.hook.failed >= breakAfter {
			d.hook.state = stateFailed
			e.note(now, "webhook switched off", "", h.uuid)
		}
	})
	if err != nil {
		e.cfg.Log.Warn("daily emulator: webhook not delivered", slog.String("event", d.event.kind), slog.Any("error", err))
	}
	return err == nil
}

func (e *Emulator) timestamp(now models.Time) string {
	if e.cfg.Knobs.TimestampSeconds {
		return strconv.FormatInt(int64(now/1000), 10)
	}
	return strconv.FormatInt(int64(now), 10)
}

// post sends a signed body. Anything but 200 is a failure; a redirect is not followed.
func (e *Emulator) post(ctx context.Context, h webhook, body []byte, stamp string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-e.ctx.Done():
			cancel()
		case <-stop:
		}
	}()
	signature, err := daily.SignWebhook(h.hmac, stamp, body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(daily.SignatureHeader, signature)
	req.Header.Set(daily.TimestampHeader, stamp)
	if h.basicAuth != nil {
		req.Header.Set("Authorization", "Basic "+*h.basicAuth)
	}
	resp, err := e.client.Do(req)
	if wrapped, isURL := errors.AsType[*url.Error](err); isURL {
		err = wrapped.Err // without the address, which may hold a secret
	}
	if err != nil {
		return fmt.Errorf("post webhook: %w", err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("post webhook: status %d", resp.StatusCode)
	}
	return nil
}
