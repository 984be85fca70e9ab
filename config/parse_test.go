package config_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/config"
)

// commands is shaped as package main's: a server, and an operator's command that shares its file.
type commands struct {
	JSON  bool         `name:"json" help:"Print JSON."`
	Serve config.Serve `cmd:"" help:"Serve."`
	Key   struct {
		config.File
		config.Database
		Name string `required:"" help:"What it is for."`
	} `cmd:"" help:"Make a key."`
}

var production = []string{"DAILY_API_KEY=daily-key"}

func parse(t *testing.T, args string, env ...string) (*commands, error) {
	t.Helper()
	cli := &commands{}
	var out bytes.Buffer
	_, err := config.Parse(cli, strings.Fields(args), env, &out)
	return cli, err
}

func mustParse(t *testing.T, args string, env ...string) *commands {
	t.Helper()
	cli, err := parse(t, args, env...)
	if err != nil {
		t.Fatal(err)
	}
	return cli
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "greenroom.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, env, args string
		want            time.Duration
	}{
		"DefaultWhenNothingIsSet":   {want: 10 * time.Minute},
		"FileBeatsDefault":          {file: "1m", want: time.Minute},
		"EnvironmentBeatsDefault":   {env: "2m", want: 2 * time.Minute},
		"EnvironmentBeatsFile":      {file: "1m", env: "2m", want: 2 * time.Minute},
		"FlagBeatsFile":             {file: "1m", args: "3m", want: 3 * time.Minute},
		"FlagBeatsEverything":       {file: "1m", env: "2m", args: "3m", want: 3 * time.Minute},
		"FlagBeatsABadEnvironment":  {env: "soon", args: "3m", want: 3 * time.Minute},
		"EmptyEnvironmentIsNothing": {file: "1m", env: "", want: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args, env := "serve", append([]string{"GREENROOM_START_WINDOW=" + tc.env}, production...)
			if tc.file != "" {
				args += " --config " + file(t, `{"start-window": "`+tc.file+`"}`)
			}
			if tc.args != "" {
				args += " --start-window " + tc.args
			}
			if got := mustParse(t, args, env...).Serve.Session.StartWindow; got != tc.want {
				t.Errorf("start window is %s, want %s", got, tc.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got := mustParse(t, "serve", production...).Serve.Config
	want := config.Config{
		Address: config.Address{Listen: "127.0.0.1:8080"}, AdminListen: "127.0.0.1:9090",
		FailedLogins: config.Rate{Count: 20, Per: time.Minute}, DrainTime: 10 * time.Second,
		Database: config.Database{URL: config.NewDSN("sqlite:greenroom.db")},
		Daily: config.Daily{
			APIKey: config.NewSecret("daily-key"), APIURL: "https://api.daily.co/v1",
			Calls: config.Rate{Count: 100, Per: 5 * time.Second}, Deletes: config.Rate{Count: 50, Per: 30 * time.Second},
		},
		Session: config.Session{
			Environment: "prod", CreateWait: 15 * time.Second, StartWindow: 10 * time.Minute,
			StartWait: 20 * time.Second, StartGiveUp: 2 * time.Minute, AvatarLostGrace: 30 * time.Second,
			EmptyRoomGrace: time.Minute, SweepInterval: time.Second,
		},
		Webhooks: config.Webhooks{Timeout: 15 * time.Second},
		Limits: config.Limits{
			BodyBytes: 128 << 10, DocumentBytes: 16 << 10, Tokens: 1000, Operations: 8, Fields: 500, Depth: 12, IntrospectionDepth: 25,
			Aliases: 30, Directives: 20, Repeats: 4, FragmentRepeats: 25, ValueDepth: 12, Cost: 20_000, Errors: 10,
			AccountSockets: 10_000, AccountOperations: 20_000, TokenSockets: 20, TokenOperations: 50,
		},
		Streams: config.Streams{LargeFrames: 8},
		Plans:   config.DefaultPlans(),
		Log:     config.Log{Format: config.JSON},
	}
	if diff := cmp.Diff(want, got, reveal); diff != "" {
		t.Error(diff)
	}
}

func TestDev(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args string
		env  []string
	}{
		"ByFlag":        {args: "serve --dev"},
		"ByEnvironment": {args: "serve", env: []string{"GREENROOM_DEV=1"}},
		"ByFile":        {args: "serve --config " + file(t, `{"dev": true}`)},
	} {
		t.Run(name+"NeedsNothingElse", func(t *testing.T) {
			t.Parallel()
			got := mustParse(t, tc.args, tc.env...).Serve
			if !got.Dev || got.URL.Reveal() != "sqlite:greenroom-dev.db" || got.Session.Environment != "dev" || got.Log.Format != config.Text {
				t.Errorf("not the defaults of --dev: %+v", got)
			}
		})
	}
	t.Run("WhatIsSetBeatsItsDefaults", func(t *testing.T) {
		t.Parallel()
		got := mustParse(t, "serve --dev --log-format json", "GREENROOM_ENVIRONMENT=ann").Serve
		if got.Session.Environment != "ann" || got.Log.Format != config.JSON {
			t.Errorf("environment %q, format %q", got.Session.Environment, got.Log.Format)
		}
	})
	t.Run("IsTurnedOffByAFlag", func(t *testing.T) {
		t.Parallel()
		got := mustParse(t, "serve --dev=false", append([]string{"GREENROOM_DEV=true"}, production...)...).Serve
		if got.Dev || got.Session.Environment != "prod" {
			t.Errorf("still --dev: %+v", got)
		}
	})
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := file(t, `{
		"allowed-origins": ["https://a.example", "https://b.example:8443"],
		"trusted-proxies": ["10.0.0.0/8"],
		"daily-calls": "10/1s",
		"max-tokens": 2000,
		"plans": {"solo": {"maxConcurrentSessions": 1}},
		"database": "sqlite:other.db",
		"daily-api-key": "from-the-file"
	}`)
	t.Run("FillsEverySortOfSetting", func(t *testing.T) {
		t.Parallel()
		got := mustParse(t, "serve", "GREENROOM_CONFIG="+path).Serve
		want := []any{
			[]string{"https://a.example", "https://b.example:8443"}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
			config.Rate{Count: 10, Per: time.Second}, config.Plans{"solo": {Name: "solo", MaxConcurrentSessions: new(1)}}, "from-the-file", 2000,
		}
		have := []any{got.AllowedOrigins, got.TrustedProxies, got.Daily.Calls, got.Plans, got.Daily.APIKey.Reveal(), got.Limits.Tokens}
		if diff := cmp.Diff(want, have, reveal); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("IsSharedWithOperatorsCommands", func(t *testing.T) {
		t.Parallel()
		if got := mustParse(t, "key --name ci --config "+path).Key.URL.Reveal(); got != "sqlite:other.db" {
			t.Errorf("database is %s", got)
		}
	})
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	t.Run("NamesEveryFlag", func(t *testing.T) {
		t.Parallel()
		got := mustParse(t, "key", "GREENROOM_NAME=ci", "GREENROOM_JSON=true", "GREENROOM_DATABASE=sqlite:x.db")
		if got.Key.Name != "ci" || !got.JSON || got.Key.URL.Reveal() != "sqlite:x.db" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("KeepsTheNamesThatDailyAndNATSUse", func(t *testing.T) {
		t.Parallel()
		got := mustParse(t, "serve", "DAILY_API_KEY=k", "DAILY_API_URL=http://127.0.0.1:9000/v1", "NATS_URL=nats://n1:4222,nats://n2:4222",
			"DAILY_WEBHOOK_SECRET=NQrSA5z0FkJ44QPrFerW7uCc5kdNLv3l2FDEKDanL1U=", "GREENROOM_SECRET="+strings.Repeat("s", 32)).Serve
		if got.Daily.APIKey.Reveal() != "k" || got.Daily.APIURL != "http://127.0.0.1:9000/v1" || !got.Daily.WebhookSecret.IsSet() ||
			got.NATSURL.Reveal() != "nats://n1:4222,nats://n2:4222" || len(got.Secret.Reveal()) != 32 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("PassesOverWhatKubernetesAdds", func(t *testing.T) {
		t.Parallel()
		mustParse(t, "serve --dev", "GREENROOM_SERVICE_HOST=10.0.0.1", "GREENROOM_SERVICE_PORT=80", "GREENROOM_SERVICE_PORT_HTTP=80",
			"GREENROOM_PORT=tcp://10.0.0.1:80", "GREENROOM_PORT_80_TCP=tcp://10.0.0.1:80", "GREENROOM_PORT_80_TCP_ADDR=10.0.0.1")
	})
}

// TestProcessEnvironmentIsNotRead sets what Kong would read by itself. It cannot run beside
// others: the environment is the process's.
func TestProcessEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("DAILY_API_KEY", "from-the-process")
	t.Setenv("GREENROOM_LISTEN", "127.0.0.1:1")
	got := mustParse(t, "serve --dev").Serve
	if got.Daily.APIKey.IsSet() || got.Listen != "127.0.0.1:8080" {
		t.Errorf("got %+v", got)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, err := config.Parse(&commands{}, []string{"serve", "--help"}, nil, &out)
	if !errors.Is(err, config.ErrHelp) {
		t.Fatalf("got %v, want ErrHelp", err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"(default 127.0.0.1:8080; $GREENROOM_LISTEN)",
		"(default 10m; $GREENROOM_START_WINDOW)",
		"(default sqlite:greenroom.db; with --dev sqlite:greenroom-dev.db; $GREENROOM_DATABASE)",
		"($DAILY_API_KEY)",
		"($GREENROOM_SECRET)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("help lacks %q:\n%s", want, out.String())
		}
	}
}
