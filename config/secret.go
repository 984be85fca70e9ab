package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

const redacted = "[redacted]"

// A Secret is text that prints as "[redacted]" wherever it is formatted, logged or encoded;
// the zero value is "not set" and prints as nothing. Only Reveal gives it away.
//
// The text sits behind a pointer because fmt cannot call methods on the unexported fields of
// somebody's struct: it prints an address there.
type Secret struct{ text *string }

// NewSecret holds text; empty text is "not set".
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal is the text itself; "" when not set.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet tells whether there is any text.
func (s Secret) IsSet() bool { return s.text != nil }

// String is "[redacted]", or nothing when not set.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return redacted
}

// Format prints String for every verb: a Stringer alone would give the text to %d.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue logs String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// A DSN says where a database or a NATS server is. It may hold a password and prints without
// it: the scheme and host of a URL, the whole of a file name.
type DSN struct{ secret Secret }

// NewDSN holds text; empty text is "not set".
func NewDSN(text string) DSN { return DSN{NewSecret(text)} }

// Reveal is the text itself, password and all; "" when not set.
func (d DSN) Reveal() string { return d.secret.Reveal() }

// IsSet tells whether there is any text.
func (d DSN) IsSet() bool { return d.secret.IsSet() }

// SQLite is the file of a `sqlite:` DSN.
func (d DSN) SQLite() (path string, ok bool) { return strings.CutPrefix(d.Reveal(), "sqlite:") }

// Postgres tells whether it names a PostgreSQL database.
func (d DSN) Postgres() bool {
	return strings.HasPrefix(d.Reveal(), "postgres://") || strings.HasPrefix(d.Reveal(), "postgresql://")
}

// String is what may be shown. Users, passwords and query parameters (libpq takes a password
// there too) stay out.
func (d DSN) String() string {
	if _, ok := d.SQLite(); ok || !d.IsSet() {
		return d.Reveal()
	}
	var shown []string
	for part := range strings.SplitSeq(d.Reveal(), ",") {
		u, err := url.Parse(part)
		if err != nil || u.Host == "" {
			return redacted
		}
		shown = append(shown, (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
	}
	return strings.Join(shown, ",")
}

// Format prints String for every verb.
func (d DSN) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.String())) }

// LogValue logs String.
func (d DSN) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalJSON writes String.
func (d DSN) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalText takes the text as it is.
func (d *DSN) UnmarshalText(text []byte) error { return d.secret.UnmarshalText(text) }
