package daily

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

type callKey struct{}

// A transport makes one try: waits for its place in the rate, sends it with the key, and reads
// the whole reply within the time for one call.
type transport struct {
	client  *Client
	base    http.RoundTripper
	key     string
	timeout time.Duration
	observe func(call string, status int, took time.Duration)
}

func (c *Client) transport(cfg Config) *transport {
	timeout := cmp.Or(cfg.Timeout, defaultTimeout)
	base := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		// A call that is given up does not end its connecting: net/http goes on, for the next one.
		// So connecting ends by itself.
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout:    timeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    64, // a burst of creates does not connect anew for each
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &transport{client: c, base: base, key: cfg.Key, timeout: timeout, observe: cfg.Observe}
}

// limiter is the rate that a method counts against.
func (c *Client) limiter(method string) *limiter {
	if method == http.MethodDelete {
		return c.deletes
	}
	return c.calls
}

// RoundTrip makes the try. The reply's body is in memory when it returns.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	limit := t.client.limiter(req.Method)
	if err := limit.acquire(req.Context()); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	defer limit.release()
	began := time.Now()
	resp, err := t.send(req)
	if t.observe != nil {
		status := 0
		if err == nil {
			status = resp.StatusCode
		}
		t.observe(callOf(req).name, status, time.Since(began))
	}
	return resp, err
}

// callOf is the operation that a request was made for.
func callOf(req *http.Request) call {
	op, _ := req.Context().Value(callKey{}).(call)
	return op
}

func (t *transport) send(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	req = req.Clone(ctx)
	req.Header.Set("Authorization", "Bearer "+t.key)
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := readAll(resp.Body, cmp.Or(callOf(req).most, maxReply))
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, nil
}

// CloseIdleConnections lets http.Client reach the connections.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// readAll reads a reply of at most so many bytes; more is an error, not a cut.
func readAll(body io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read reply: %w", err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("the reply is larger than %d bytes", most)
	}
	return text, nil
}
