package emulator

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"greenroom/models"
)

const (
	hugeReply = 8 << 20
	webPage   = "<!doctype html><title>Sign in</title><h1>Please sign in</h1>"
)

// play answers a call as its fault has it. finish is told the status before anything is sent.
func (e *Emulator) play(w http.ResponseWriter, c *call, rt route, f Fault, finish func(status int)) {
	if f.Delay > 0 && !e.stay(c.r, f.Delay) {
		finish(0)
		panic(http.ErrAbortHandler)
	}
	var rep reply
	switch f.Kind {
	case FaultDelay, FaultLost, FaultTruncated, FaultCut, FaultHuge:
		rep = e.perform(c, rt)
	case FaultLate:
		e.commitLate(c, rt, f.CommitAfter)
		rep.status = f.Status
	default:
		if f.After {
			rep = e.perform(c, rt)
		}
	}
	switch {
	case f.Kind == FaultLost:
		finish(rep.status)
		panic(http.ErrAbortHandler)
	case f.Kind == FaultHang || f.Kind == FaultLate && f.Status == 0:
		finish(rep.status)
		e.hang(c.r)
	default:
		e.spoil(w, rep, f, finish)
	}
}

// spoil sends a reply, or what is left of it.
func (e *Emulator) spoil(w http.ResponseWriter, rep reply, f Fault, finish func(status int)) {
	switch f.Kind {
	case FaultRateLimit:
		rep = e.rateLimited(f)
	case FaultError, FaultLate:
		rep = refuse(cmp.Or(f.Status, http.StatusInternalServerError), "server-error", "")
	case FaultHTML:
		rep.status = http.StatusOK
	}
	finish(rep.status)
	half := rep.text()[:len(rep.text())/2]
	switch f.Kind {
	case FaultHTML:
		send(w, rep.status, "text/html; charset=utf-8", []byte(webPage), nil)
	case FaultTruncated:
		send(w, rep.status, "application/json; charset=utf-8", half, rep.header)
	case FaultHuge:
		sendHuge(w, rep)
	case FaultCut:
		w.Header().Set("Content-Length", strconv.Itoa(len(rep.text())))
		w.WriteHeader(rep.status)
		_, _ = w.Write(half)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		rep.write(w)
	}
}

// rateLimited is a 429 as the fault has it, whatever the domain's own limit says.
func (e *Emulator) rateLimited(f Fault) reply {
	rep := e.tooMany(f.RetryAfter)
	if f.RetryDate && f.RetryAfter > 0 {
		at := time.Now().Add(f.RetryAfter).UTC()
		rep.header = map[string]string{"Retry-After": at.Format(http.TimeFormat)}
	}
	return rep
}

// commitLate does later what a call asked for, when nobody waits for it any more.
func (e *Emulator) commitLate(c *call, rt route, after time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spawn(func() {
		if !e.wait(after) {
			return
		}
		rep := e.perform(c, rt)
		event := "call committed late"
		if rt.pattern == "POST /v1/rooms" {
			event = "room committed late"
		}
		e.do(func(now models.Time) {
			e.note(now, event, c.name, fmt.Sprintf("%s, status %d", c.r.Method, rep.status))
		})
	})
}

// stay waits while the caller does; false when the caller or the emulator goes first.
func (e *Emulator) stay(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-e.ctx.Done():
	}
	return false
}

// hang keeps the caller waiting until it gives up.
func (e *Emulator) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-e.ctx.Done():
	}
	panic(http.ErrAbortHandler)
}

// sendHuge answers valid JSON with white space in front, so that only a cap stops the reader.
func sendHuge(w http.ResponseWriter, rep reply) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(rep.status)
	blank := bytes.Repeat([]byte(" "), 64<<10)
	for sent := 0; sent < hugeReply; sent += len(blank) {
		if _, err := w.Write(blank); err != nil {
			return // the caller has had enough
		}
	}
	_, _ = w.Write(rep.text())
}
