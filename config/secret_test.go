package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/config"
)

// reveal lets a test compare what nothing else may see.
var reveal = cmp.Options{
	cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b config.DSN) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	settings := config.Config{
		Database: config.Database{URL: config.NewDSN("postgres://ann:hunter2@db:5432/greenroom?password=hunter2"), Secret: config.NewSecret(secret)},
		NATSURL:  config.NewDSN("nats://ann:hunter2@n1:4222,nats://hunter2@n2:4222"),
		Daily:    config.Daily{APIKey: config.NewSecret(secret)},
	}
	// A field that fmt cannot call methods on.
	type wrapped struct{ inner config.Config }

	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		shown[verb] = fmt.Sprintf(verb+verb, settings, &settings)
		shown["unexported "+verb] = fmt.Sprintf(verb, wrapped{settings})
		shown["alone "+verb] = fmt.Sprintf(verb, settings.Secret) + fmt.Sprintf(verb, settings.URL)
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(text)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log bytes.Buffer
		slog.New(handler(&log)).Info("start", "config", settings, "secret", settings.Secret, "database", settings.URL)
		shown[name] = log.String()
	}
	for how, text := range shown {
		if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", secret)) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
	if got := settings.Secret.Reveal(); got != secret {
		t.Errorf("Reveal is %q, want %q", got, secret)
	}
}

func TestDSNShowsWhereButNotHow(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"":                                 "",
		"sqlite:greenroom.db":              "sqlite:greenroom.db",
		"postgres://u:p@db:5432/x?a=b":     "postgres://db:5432/x",
		"nats://u:p@n1:4222,tls://n2:4222": "nats://n1:4222,tls://n2:4222",
		"postgres://u:p%zz@db/x":           "[redacted]",
	} {
		if got := config.NewDSN(dsn).String(); got != want {
			t.Errorf("%q is shown as %q, want %q", dsn, got, want)
		}
	}
}
