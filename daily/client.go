// Package daily is a small client of Daily's REST API: the private rooms of sessions, who is
// put out of them, and who was there.
//
// Daily has neither idempotency keys nor fencing, so a call that was given up may still happen.
// The client answers only what it knows: a create whose outcome is unclear is settled by
// looking, and deleting or ejecting what is gone succeeds. It keeps below Daily's rate limits
// by itself, repeats what may be repeated, and never writes a body, a token or the key to a log
// or an error.
package daily

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"greenroom/models"
)

// Limits that no caller needs to change.
const (
	defaultURL     = "https://api.daily.co/v1"
	defaultTimeout = 10 * time.Second
	defaultRetries = 4
	// A wait between two tries is drawn from 0 to firstWait, doubled with each try up to maxWait.
	firstWait = 200 * time.Millisecond
	maxWait   = 5 * time.Second
	// maxRetryAfter caps what Daily may ask for: longer than this nobody waits anyway.
	maxRetryAfter = time.Minute
	maxReply      = 1 << 20
	maxInfo       = 200
)

// Config is how to reach one Daily domain.
type Config struct {
	// URL is the API's base; empty is Daily's own. Without user, query or fragment.
	URL string
	// Key is the API key, which belongs to exactly one domain.
	Key string `json:"-"`
	// Log receives one line for each failed try; nil is none.
	Log *slog.Logger
	// Timeout is for one call, from its place in the rate to the last byte; 0 is 10 s. How long
	// all tries may take is up to the context.
	Timeout time.Duration
	// Retries is how often one call is repeated at most; 0 is 4, negative is never.
	Retries int
	// Calls and Deletes keep this client below Daily's limits; zero is Daily's own. They count
	// this process alone: others on the same domain share its limits too.
	Calls, Deletes Rate
	// Observe is told of every call that was made, each try on its own, with the HTTP status or
	// 0 when no usable reply came; nil is none.
	Observe func(call string, status int, took time.Duration)
}

// Format prints the configuration without its key, whatever the verb.
func (c Config) Format(w fmt.State, _ rune) {
	fmt.Fprintf(w, "{URL:%s Key:[redacted]}", c.URL)
}

// LogValue logs the configuration without its key.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", c.URL), slog.String("key", "[redacted]"))
}

// A Client calls Daily. It is safe for concurrent use.
type Client struct {
	base    string
	retries int
	http    *http.Client
	calls   *limiter
	deletes *limiter
	log     *slog.Logger
	redact  *strings.Replacer
}

// New checks the configuration and makes a client. It calls nobody.
func New(cfg Config) (*Client, error) {
	base, err := checkURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Key == "" || strings.ContainsFunc(cfg.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("daily: the API key must be printable ASCII without spaces, and not empty")
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("daily: the time for one call must not be negative")
	}
	calls, err := cfg.Calls.orDefault(DefaultCalls)
	if err != nil {
		return nil, fmt.Errorf("daily: calls: %w", err)
	}
	deletes, err := cfg.Deletes.orDefault(DefaultDeletes)
	if err != nil {
		return nil, fmt.Errorf("daily: deletes: %w", err)
	}
	c := &Client{
		base:    base,
		retries: max(0, cmp.Or(cfg.Retries, defaultRetries)),
		calls:   newLimiter(calls),
		deletes: newLimiter(deletes),
		log:     cfg.Log,
		redact:  strings.NewReplacer(cfg.Key, "[redacted]"),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.http = &http.Client{
		Transport: c.transport(cfg),
		// A redirect would carry the key elsewhere; Daily sends none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func checkURL(text string) (string, error) {
	if text == "" {
		return defaultURL, nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("daily: the API's URL must be like " + defaultURL)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Format prints the client without its key, whatever the verb.
func (c *Client) Format(w fmt.State, _ rune) { fmt.Fprintf(w, "daily.Client{%s}", c.base) }

// Close closes idle connections. Calls under way go on.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A Domain is what the API key belongs to.
type Domain struct {
	// Name is the first label of the rooms' host name.
	Name string
	// ID is what meeting tokens are signed for.
	ID string
}

// Domain asks which domain the key belongs to.
func (c *Client) Domain(ctx context.Context) (Domain, error) {
	type reply struct {
		Name string `json:"domain_name"`
		ID   string `json:"domain_id"`
	}
	var domain Domain
	err := c.do(ctx, call{name: "read domain", method: http.MethodGet, path: "/"}, nil, into(func(r *reply) error {
		if r.Name == "" || r.ID == "" {
			return errUnreadable
		}
		domain = Domain(*r)
		return nil
	}))
	return domain, err
}

// path joins the API's path from its segments, each of them escaped.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// checkName refuses what Daily would, before it becomes part of an address.
func checkName(name string) error {
	valid := len(name) >= 1 && len(name) <= 128
	for i := range len(name) {
		c := name[i]
		valid = valid && (c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if !valid {
		return models.Invalid("a room name is 1 to 128 characters of A-Z, a-z, 0-9, - and _")
	}
	return nil
}
