package config

import (
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MinSecretBytes is the least length of GREENROOM_SECRET: as much as HMAC-SHA256 can use.
const MinSecretBytes = 32

// minWebhookSecretBytes refuses a secret that was not made by a machine; Daily's own are 32.
const minWebhookSecretBytes = 16

var environmentName = regexp.MustCompile(`^[a-z0-9]{1,12}$`)

// Validate tells whether the settings can run a server together. The error is an *Error with
// every problem. Kong calls it after parsing.
func (c *Config) Validate() error {
	var report problems
	c.validateNetwork(&report)
	report.join(c.Database.Validate())
	if c.URL.Postgres() && !c.Secret.IsSet() {
		report.add("GREENROOM_SECRET is required with PostgreSQL: set 32 or more random bytes, for example from `openssl rand -base64 32`")
	}
	for server := range strings.SplitSeq(c.NATSURL.Reveal(), ",") {
		if c.NATSURL.IsSet() && !isURL(server, "nats", "tls", "ws", "wss") {
			report.add("NATS_URL names no server: set it as nats://HOST:PORT, several divided by commas")
		}
	}
	c.validateDaily(&report)
	c.Session.validate(&report)
	inRange(&report, "webhook-timeout", c.Webhooks.Timeout, time.Second, time.Minute)
	c.Limits.validate(&report)
	c.Streams.validate(&report)
	c.Plans.validate(&report)
	if _, ok := c.Plans[DevPlan]; c.Dev && !ok {
		report.add("--dev puts its account on the plan %q: add it to --plans", DevPlan)
	}
	if c.Log.Format != JSON && c.Log.Format != Text {
		report.add("--log-format is %q: set json or text", c.Log.Format)
	}
	return report.err()
}

const notAnAddress = "--listen is %q: set HOST:PORT, such as 127.0.0.1:8080"

func (c *Config) validateNetwork(report *problems) {
	host, port, ok := splitAddress(c.Listen)
	switch {
	case !ok:
		report.add(notAnAddress, c.Listen)
	case c.Dev && !isLoopback(host):
		report.add("--dev has a well-known key and may be reached from this machine only: set --listen 127.0.0.1:%s, or run without --dev", port)
	case c.PublicURL == "" && isUnspecified(host):
		report.add("--listen %s is every address of this machine, which tells clients none: set --public-url, such as https://api.example.com", c.Listen)
	}
	if _, port, ok := splitAddress(c.AdminListen); c.AdminListen != Off && !ok {
		report.add("--admin-listen is %q: set HOST:PORT, such as 127.0.0.1:9090, or %s", c.AdminListen, Off)
	} else if c.AdminListen == c.Listen && port != "0" {
		report.add("--admin-listen and --listen are both %s: metrics are not for clients, set another port", c.Listen)
	}
	if c.PublicURL != "" && !isBaseURL(c.PublicURL) {
		report.add("--public-url is not the address of a server: set it as https://HOST, without a path, a query or a password")
	}
	for _, origin := range c.AllowedOrigins {
		switch {
		case strings.Contains(origin, "*"):
			report.add("--allowed-origins has %q: name each origin in full, wildcards would let in strangers' pages", origin)
		case !isBaseURL(origin) || strings.HasSuffix(origin, "/"):
			report.add("--allowed-origins has %q: set each as scheme://host[:port], such as https://app.example.com", origin)
		}
	}
	inRange(report, "drain-time", c.DrainTime, 0, 5*time.Minute)
}

func (c *Config) validateDaily(report *problems) {
	if c.Dev {
		return
	}
	if !c.Daily.APIKey.IsSet() {
		report.add("DAILY_API_KEY is not set: take it from Daily's dashboard under Developers, or run with --dev for the emulator")
	}
	if !isURL(c.Daily.APIURL, "http", "https") {
		report.add("DAILY_API_URL is not an address: set it as https://HOST/v1, or leave it out for Daily itself")
	}
	if c.Daily.WebhookSecret.IsSet() {
		report.join(CheckWebhookSecret(c.Daily.WebhookSecret))
	}
}

// CheckWebhookSecret tells whether Daily's webhooks can be signed with a secret. The error is an
// *Error.
func CheckWebhookSecret(secret Secret) error {
	var report problems
	if key, err := base64.StdEncoding.DecodeString(secret.Reveal()); err != nil || len(key) < minWebhookSecretBytes {
		report.add("DAILY_WEBHOOK_SECRET is not base64 of at least %d bytes: set the hmac that Daily's webhook was made with", minWebhookSecretBytes)
	}
	return report.err()
}

// Validate tells whether the database can be opened as named.
func (d *Database) Validate() error {
	var report problems
	path, sqlite := d.URL.SQLite()
	switch {
	case sqlite && (path == "" || strings.HasPrefix(path, ":") || strings.ContainsAny(path, "?#")):
		report.add("--database sqlite: needs a file, without parameters: set it as sqlite:greenroom.db")
	case d.URL.Postgres() && !isPostgres(d.URL.Reveal()):
		report.add("--database names no PostgreSQL server: set it as postgres://USER:PASSWORD@HOST/NAME, with special characters of the password percent-encoded")
	case !sqlite && !d.URL.Postgres():
		report.add("--database is neither sqlite:FILE nor postgres://USER:PASSWORD@HOST/NAME: set one of them")
	}
	if n := len(d.Secret.Reveal()); d.Secret.IsSet() && n < MinSecretBytes {
		report.add("GREENROOM_SECRET has %d bytes: set at least %d random ones, for example from `openssl rand -base64 32`", n, MinSecretBytes)
	}
	return report.err()
}

func (s *Session) validate(report *problems) {
	if !environmentName.MatchString(s.Environment) {
		report.add("--environment is %q: set 1 to 12 of a-z and 0-9", s.Environment)
	}
	const least = 10 * time.Millisecond
	inRange(report, "create-wait", s.CreateWait, least, time.Minute)
	inRange(report, "start-window", s.StartWindow, time.Second, 24*time.Hour)
	inRange(report, "start-wait", s.StartWait, least, time.Minute)
	// Callers would else wait for a start that was given up; and a room outlives its session's
	// start window by 150 s, so a start must be over by then.
	inRange(report, "start-give-up", s.StartGiveUp, min(max(least, s.StartWait), time.Minute), 2*time.Minute)
	inRange(report, "avatar-lost-grace", s.AvatarLostGrace, least, 10*time.Minute)
	inRange(report, "empty-room-grace", s.EmptyRoomGrace, least, time.Hour)
	inRange(report, "sweep-interval", s.SweepInterval, least, time.Minute)
}

func inRange(report *problems, flag string, d, least, most time.Duration) {
	if d < least || d > most {
		report.add("--%s is %s: set %s to %s", flag, d, least, most)
	}
}

func splitAddress(address string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return host, port, err == nil
}

// isLoopback takes names other than localhost for strangers: what they resolve to may change.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

func isUnspecified(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || (err == nil && ip.IsUnspecified())
}

func isURL(text string, schemes ...string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Fragment != "" {
		return false
	}
	return slices.Contains(schemes, u.Scheme)
}

// isPostgres leaves several hosts, divided by commas, and a socket's folder as `?host=` to the
// driver: both are beyond net/url.
func isPostgres(text string) bool {
	_, rest, _ := strings.Cut(text, "://")
	_, err := url.Parse(text)
	return rest != "" && (err == nil || strings.Contains(rest, ","))
}

// isBaseURL tells whether text is http or https and a host, and nothing that a path could be
// put behind wrongly.
func isBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isURL(text, "http", "https") && u.User == nil && u.Hostname() != "" &&
		strings.TrimSuffix(text, "/") == u.Scheme+"://"+u.Host
}
