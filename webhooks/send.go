package webhooks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"greenroom/models"
)

const (
	// maxReply is the most bytes of an answer that are read, headers and body each. Nothing of it
	// is kept: an answer shown to the account would let it read what only this machine can reach.
	maxReply = 64 << 10
	// userAgent names this program to receivers, without its version.
	userAgent = "Greenroom-Webhooks"
)

// An Outcome is how a try went, as metrics count it.
type Outcome string

// The outcomes. Interrupted is a try that this server's stop has cut off: it counts for nothing.
const (
	Delivered   Outcome = "delivered"
	Refused     Outcome = "refused"
	Gone        Outcome = "gone"
	TimedOut    Outcome = "timed_out"
	Unreachable Outcome = "unreachable"
	Forbidden   Outcome = "forbidden"
	Unsigned    Outcome = "unsigned"
	Interrupted Outcome = "interrupted"
)

// A result is one try.
type result struct {
	outcome    Outcome
	attempt    models.WebhookAttempt
	retryAfter time.Duration
}

// failed fills in a try that got no answer.
func (r *result) failed(o Outcome, why string) {
	r.outcome, r.attempt.Error = o, &why
}

// A sender posts to receivers. It has a client for each scheme, because each may go elsewhere.
type sender struct {
	clients map[string]*http.Client
	within  time.Duration
	clock   models.Clock
}

func newSender(cfg Config, b *border) *sender {
	client := func(plain bool) *http.Client {
		return &http.Client{
			Transport: &http.Transport{
				// No Proxy: one from the environment would make the calls for us, past the border.
				DialContext:     b.dialer(plain, cfg.Resolver, cfg.Timeout).DialContext,
				TLSClientConfig: &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
				// A try that is given up does not end its connecting: net/http goes on, for whoever
				// comes next. So connecting ends by itself.
				TLSHandshakeTimeout:    cfg.Timeout,
				DisableCompression:     true,
				MaxIdleConnsPerHost:    2,
				IdleConnTimeout:        30 * time.Second,
				MaxResponseHeaderBytes: maxReply,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &sender{map[string]*http.Client{"http": client(true), "https": client(false)}, cfg.Timeout, cfg.Clock}
}

func (s *sender) close() {
	for _, c := range s.clients {
		c.CloseIdleConnections()
	}
}

// post makes one try. What a receiver has acknowledged by its status stays so, whatever becomes of
// the rest of its answer.
func (s *sender) post(ctx context.Context, to string, header http.Header, payload string) *result {
	r := &result{}
	ctx, cancel := context.WithTimeout(ctx, s.within)
	defer cancel()
	r.attempt.At = s.clock()
	began := time.Now()
	answer, err := s.do(ctx, to, header, payload)
	r.attempt.Latency = int(time.Since(began).Milliseconds())
	if err != nil {
		s.explain(ctx, r, err)
		return r
	}
	defer func() { _ = answer.Body.Close() }()
	r.judge(answer, s.clock())
	// Read, so that the connection can be used again, unless the answer is long.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxReply))
	return r
}

func (s *sender) do(ctx context.Context, to string, header http.Header, payload string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(payload))
	if err != nil {
		return nil, err
	}
	request.Header = header
	client, ok := s.clients[request.URL.Scheme]
	if !ok {
		return nil, errForbidden
	}
	return client.Do(request)
}

// judge says what an answer means.
func (r *result) judge(answer *http.Response, now models.Time) {
	status := answer.StatusCode
	r.attempt.HTTPStatus = &status
	switch {
	case status >= 200 && status < 300:
		r.outcome = Delivered
	case status >= 300 && status < 400:
		r.failed(Refused, "answered with a redirect, which is not followed")
	case status == http.StatusGone:
		r.failed(Gone, "answered that it is gone, so the endpoint is disabled")
	default:
		r.failed(Refused, fmt.Sprintf("answered with the status %d", status))
		r.retryAfter = retryAfter(answer.Header, now)
	}
}

// explain says why no answer came, in words of our own: an error's text may name addresses inside.
func (s *sender) explain(ctx context.Context, r *result, err error) {
	_, isName := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	_, isAlert := errors.AsType[tls.AlertError](err)
	_, isAuthority := errors.AsType[x509.UnknownAuthorityError](err)
	_, isURL := errors.AsType[url.EscapeError](err)
	waited, isNetwork := errors.AsType[net.Error](err)
	switch {
	case errors.Is(context.Cause(ctx), errStopping):
		r.failed(Interrupted, "cut off by a restart of this server")
	case errors.Is(err, errForbidden):
		r.failed(Forbidden, errForbidden.Error())
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		r.failed(TimedOut, fmt.Sprintf("no answer within %s", s.within))
	case isName:
		r.failed(Unreachable, "the host's name could not be resolved")
	case isNetwork && waited.Timeout():
		r.failed(TimedOut, fmt.Sprintf("no answer within %s", s.within))
	case isCertificate || isAuthority:
		r.failed(Unreachable, "the host's certificate is not valid")
	case isRecord || isAlert || errors.Is(err, http.ErrSchemeMismatch):
		r.failed(Unreachable, "the TLS handshake failed")
	case errors.Is(err, syscall.ECONNREFUSED):
		r.failed(Unreachable, "the connection was refused")
	case isURL:
		r.failed(Unreachable, "the address cannot be called")
	default:
		r.failed(Unreachable, "the connection failed before an answer came")
	}
}
