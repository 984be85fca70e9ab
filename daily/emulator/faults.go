package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// What can go wrong with a call. Whether the call did what it asked for is said with each.
const (
	// FaultDelay only waits for Delay, as every other kind does first.
	FaultDelay FaultKind = "delay"
	// FaultLate does it after CommitAfter, long since given up: Status is answered at once, or
	// nothing until the caller goes when Status is 0.
	FaultLate FaultKind = "late"
	// FaultLost does it and closes the connection without a reply.
	FaultLost FaultKind = "lost"
	// FaultRateLimit does not: 429, with a Retry-After header if RetryAfter is set.
	FaultRateLimit FaultKind = "rate-limit"
	// FaultError does it if After: Status or 500.
	FaultError FaultKind = "error"
	// FaultTruncated does it and answers half of the JSON, as if that were all.
	FaultTruncated FaultKind = "truncated"
	// FaultCut does it and breaks off in the middle of the reply.
	FaultCut FaultKind = "cut"
	// FaultHTML does it if After: 200 and a web page.
	FaultHTML FaultKind = "html"
	// FaultHuge does it and answers 8 MiB of JSON.
	FaultHuge FaultKind = "huge"
	// FaultHang does it if After and never answers.
	FaultHang FaultKind = "hang"
)

var faultKinds = []FaultKind{
	FaultDelay, FaultLate, FaultLost, FaultRateLimit, FaultError,
	FaultTruncated, FaultCut, FaultHTML, FaultHuge, FaultHang,
}

// A Fault happens to calls that match it, once key and rate are checked. Of several that match,
// the first does.
type Fault struct {
	// Method matches one HTTP method, Path the path behind /v1 as path.Match has it
	// ("/rooms/*"); empty matches all.
	Method, Path string
	Kind         FaultKind
	// Count is how many calls it happens to; 0 is every one until the faults are set anew.
	Count int
	// Probability is from 0 to 1, where 0 too means always.
	Probability float64
	// Delay comes before anything else.
	Delay       time.Duration
	CommitAfter time.Duration
	RetryAfter  time.Duration
	// RetryDate sends Retry-After as a date.
	RetryDate bool
	Status    int
	After     bool
	// Hits is how many calls it has happened to.
	Hits int
}

// wireFault is a Fault in JSON: lengths of time are milliseconds.
type wireFault struct {
	Method        string    `json:"method,omitempty"`
	Path          string    `json:"path,omitempty"`
	Kind          FaultKind `json:"kind"`
	Count         int       `json:"count,omitempty"`
	Probability   float64   `json:"probability,omitempty"`
	DelayMS       int64     `json:"delayMs,omitempty"`
	CommitAfterMS int64     `json:"commitAfterMs,omitempty"`
	RetryAfterMS  int64     `json:"retryAfterMs,omitempty"`
	RetryDate     bool      `json:"retryDate,omitempty"`
	Status        int       `json:"status,omitempty"`
	After         bool      `json:"after,omitempty"`
	Hits          int       `json:"hits"`
}

// MarshalJSON writes lengths of time in milliseconds, under names that end in Ms.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireFault{
		f.Method, f.Path, f.Kind, f.Count, f.Probability, f.Delay.Milliseconds(), f.CommitAfter.Milliseconds(),
		f.RetryAfter.Milliseconds(), f.RetryDate, f.Status, f.After, f.Hits,
	})
}

// UnmarshalJSON refuses unknown keys: a fault that is misspelt and never happens is worse.
func (f *Fault) UnmarshalJSON(text []byte) error {
	var w wireFault
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	*f = Fault{
		Method: w.Method, Path: w.Path, Kind: w.Kind, Count: w.Count, Probability: w.Probability,
		Delay:       time.Duration(w.DelayMS) * time.Millisecond,
		CommitAfter: time.Duration(w.CommitAfterMS) * time.Millisecond,
		RetryAfter:  time.Duration(w.RetryAfterMS) * time.Millisecond,
		RetryDate:   w.RetryDate, Status: w.Status, After: w.After,
	}
	return f.check()
}

func (f *Fault) check() error {
	if !slices.Contains(faultKinds, f.Kind) {
		return fmt.Errorf("fault: kind must be one of %q", faultKinds)
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("fault: path: %w", err)
	}
	if f.Count < 0 || f.Probability < 0 || f.Probability > 1 || f.Delay < 0 || f.CommitAfter < 0 || f.RetryAfter < 0 {
		return errors.New("fault: numbers must not be negative, and probability not above 1")
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return errors.New("fault: status must be 200 to 599")
	}
	return nil
}

func (f *Fault) matches(r *http.Request) bool {
	if f.Count > 0 && f.Hits >= f.Count || f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Path != "" {
		if fits, _ := path.Match(f.Path, strings.TrimPrefix(r.URL.Path, "/v1")); !fits {
			return false
		}
	}
	return f.Probability == 0 || rand.Float64() < f.Probability //nolint:gosec // G404: bad luck, not a secret
}

// SetFaults replaces all faults; none is given to end them. It panics at a fault that makes no
// sense, as a test would want.
func (e *Emulator) SetFaults(faults ...Fault) {
	if err := e.setFaults(faults); err != nil {
		panic(err)
	}
}

func (e *Emulator) setFaults(faults []Fault) error {
	set := make([]*Fault, len(faults))
	for i, f := range faults {
		if err := f.check(); err != nil {
			return err
		}
		f.Hits = 0
		set[i] = &f
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = set
	return nil
}

// Faults gives the faults as they are set, with how often each has happened.
func (e *Emulator) Faults() []Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	faults := make([]Fault, len(e.faults))
	for i, f := range e.faults {
		faults[i] = *f
	}
	return faults
}

// takeFault finds the fault for a call and counts it; nil when all is well.
func (e *Emulator) takeFault(r *http.Request, entry *Entry) *Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.faults {
		if f.matches(r) {
			f.Hits++
			entry.Fault = string(f.Kind)
			taken := *f
			return &taken
		}
	}
	return nil
}
