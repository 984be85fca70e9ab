package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"greenroom/account"
	"greenroom/avatarserver/sandbox"
	"greenroom/config"
	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/models"
	"greenroom/session"
)

// A terminal is where a command runs: what it prints to, and whether people or programs read.
type terminal struct {
	ctx  context.Context // Kong calls commands without one
	out  io.Writer
	logs io.Writer
	json bool
}

// show writes one result: as JSON with --json, else as the lines of text for people.
func (t *terminal) show(value any, text string, args ...any) error {
	var err error
	if t.json {
		err = json.NewEncoder(t.out).Encode(value)
	} else {
		_, err = fmt.Fprintf(t.out, text+"\n", args...)
	}
	return err
}

// commands is the whole command line.
type commands struct {
	JSON bool `name:"json" help:"Print results as JSON, one value a line."`

	Serve         serveCommand         `cmd:"" help:"Serve GraphQL. With --dev everything at once, on this machine alone."`
	Demo          demoCommand          `cmd:"" help:"Play one session's whole life against a throw-away server."`
	DailyEmulator dailyEmulatorCommand `cmd:"" help:"Emulate Daily's REST API, in memory."`
	AvatarServer  avatarServerCommand  `cmd:"" help:"Run the built-in avatar server, dialling in like any other."`
	Account       struct {
		Create accountCreate `cmd:"" help:"Make an account."`
		List   accountList   `cmd:"" help:"List all accounts."`
	} `cmd:"" help:"Accounts of this installation."`
	Key struct {
		Create keyCreate `cmd:"" help:"Make an API key of an account, or an avatar-server key."`
		Revoke keyRevoke `cmd:"" help:"Revoke a key of either kind."`
		List   keyList   `cmd:"" help:"List all keys, without their secrets."`
	} `cmd:"" help:"Credentials."`
	Session struct {
		End sessionEnd `cmd:"" help:"End a session of whichever account, as OPERATOR_ENDED."`
	} `cmd:"" help:"Sessions of all accounts."`
	Webhook webhookCommands `cmd:"" help:"What other servers tell this one."`
	Migrate migrateCommand  `cmd:"" help:"Bring the database's tables up to this version."`
	Backup  backupCommand   `cmd:"" help:"Copy a SQLite database while it is served."`
	Health  healthCommand   `cmd:"" help:"Ask a running server whether it is well."`
}

// run is the program: what main does, callable by tests. Results go to out, logs to logs.
func run(ctx context.Context, args, environ []string, out, logs io.Writer) error {
	var cli commands
	command, err := config.Parse(&cli, args, environ, out,
		kong.Description("A self-hosted GraphQL server for AI-avatar sessions."))
	if errors.Is(err, config.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	return command.Run(&terminal{ctx: ctx, out: out, logs: logs, json: cli.JSON})
}

// afterStart is when what a start needed is given back.
const afterStart = 250 * time.Millisecond

type serveCommand struct{ config.Serve }

// Run serves until the context ends.
func (c *serveCommand) Run(t *terminal) error {
	s, err := start(t.ctx, &c.Config, t.logs)
	if err != nil {
		return err
	}
	ready := map[string]string{"url": s.base, "dashboard": s.base + "/", "graphql": s.base + "/graphql", "playground": s.base + "/playground"}
	if s.metricsURL != "" {
		ready["metrics"] = s.metricsURL
	}
	text := "Greenroom serves GraphQL at %s/graphql. Open %s/ in a browser."
	if c.Dev {
		text += "\nThe API key is gr_test_dev. Ctrl-C stops."
	}
	if err := t.show(ready, text, s.base, s.base); err != nil {
		s.stop()
		return err
	}
	// Flags, and the migrations of a new database, leave several times what an idle server needs. It
	// is given back when whoever has waited for the start has been answered.
	defer time.AfterFunc(afterStart, debug.FreeOSMemory).Stop()
	return s.wait(t.ctx)
}

type dailyEmulatorCommand struct {
	// Not the server's variables, which a shell may have for a server beside it.
	Listen    string `default:"127.0.0.1:8090" env:"GREENROOM_EMULATOR_LISTEN" placeholder:"HOST:PORT" help:"Where the emulator answers: the API under /v1, the pages of its rooms under /rooms, its log at /_/log."`
	PublicURL string `env:"GREENROOM_EMULATOR_PUBLIC_URL" placeholder:"URL" help:"Where browsers reach it. Default: http:// and the address that it listens on."`
	APIKey    string `name:"api-key" default:"dev" placeholder:"TEXT" help:"The key that it accepts."`
	// The defaults are Daily's own limits to a domain.
	Calls   config.Rate `default:"100/5s" placeholder:"COUNT/TIME" help:"Calls that it answers before 429."`
	Deletes config.Rate `default:"50/30s" placeholder:"COUNT/TIME" help:"Deletes that it answers before 429."`
}

// Run emulates Daily until the context ends.
func (c *dailyEmulatorCommand) Run(t *terminal) error {
	l, err := listen(t.ctx, "listen", c.Listen)
	if err != nil {
		return err
	}
	base := cmp.Or(strings.TrimSuffix(c.PublicURL, "/"), "http://"+l.Addr().String())
	fake := emulator.New(emulator.Config{
		Key: c.APIKey, RoomURL: func(name string) string { return roomURL(base, name) },
		Limits: emulator.Limits{Calls: daily.Rate(c.Calls), Deletes: daily.Rate(c.Deletes)},
	})
	web := &http.Server{Handler: fake, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(t.ctx, func() { _ = web.Close() })
	defer stop()
	url := "http://" + l.Addr().String() + "/v1"
	if err := t.show(map[string]string{"url": url, "key": c.APIKey}, "Emulating Daily: DAILY_API_URL=%s DAILY_API_KEY=%s", url, c.APIKey); err != nil {
		return err
	}
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("daily emulator: %w", err)
	}
	return fake.Close()
}

type avatarServerCommand struct {
	URL      string        `required:"" placeholder:"URL" help:"Greenroom's address, such as https://api.example.com."`
	Key      config.Secret `required:"" env:"GREENROOM_AVATAR_SERVER_KEY" placeholder:"gr_avsrv_…" help:"From greenroom key create --avatar-server."`
	Capacity int           `default:"100" help:"Sessions at once."`
	Instance string        `placeholder:"NAME" help:"Who this is among all avatar servers. Default: the host's name."`
	Join     bool          `help:"Join the rooms of greenroom daily-emulator and speak there. Daily's own it cannot join."`
	Log      config.Log    `embed:"" prefix:"log-"`
}

// Run is an avatar server until the context ends.
func (c *avatarServerCommand) Run(t *terminal) error {
	cfg := sandbox.Config{
		URL: c.URL, Key: c.Key.Reveal(), Name: c.Instance, Instance: c.Instance,
		Capacity: c.Capacity, ReadyAfter: 300 * time.Millisecond, Log: newLogger(c.Log, t.logs),
	}
	if c.Join {
		cfg.Join = attend
	}
	return sandbox.Run(t.ctx, cfg)
}

// An operator's command works on the database itself, beside a server or without one.
type operator struct {
	config.File
	config.Database
}

// existing opens a database that is there for do: a mistyped name makes no new one.
func (o *operator) existing(t *terminal, do func(*db.Store) error) error {
	if file, ok := o.URL.SQLite(); ok {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("open database: %w", err)
		}
	}
	return o.with(t, do)
}

// with opens the database for do, a new one if need be.
func (o *operator) with(t *terminal, do func(*db.Store) error) error {
	store, err := db.Open(t.ctx, o.URL.Reveal(), db.Options{})
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.Close())
}

// accounts opens the database for work on accounts; a new one is a production database.
func (o *operator) accounts(t *terminal, plans models.Plans, do func(*account.Service) error) error {
	return o.with(t, func(store *db.Store) error {
		_, err := store.Setting(t.ctx, db.SettingMode)
		if errors.Is(err, models.ErrNotFound) {
			err = claim(t.ctx, store, modeProduction)
		}
		if err != nil {
			return err
		}
		return do(account.New(store, nil, plans, models.SystemClock, newLogger(config.Log{}, t.logs)))
	})
}

type accountCreate struct {
	operator
	Name  string       `required:"" help:"For people, 1 to 128 characters."`
	Plan  string       `default:"free" help:"A configured plan's key."`
	Plans config.Plans `default:"${plans}" hidden:""`
}

// Run makes an account.
func (c *accountCreate) Run(t *terminal) error {
	return c.accounts(t, plansOf(c.Plans), func(accounts *account.Service) error {
		made, err := accounts.OperatorCreateAccount(t.ctx, c.Name, c.Plan)
		if err != nil {
			return err
		}
		return t.show(map[string]string{"id": made.ID}, "%s", made.ID)
	})
}

type accountList struct{ operator }

// Run lists accounts.
func (c *accountList) Run(t *terminal) error {
	return c.existing(t, func(store *db.Store) error {
		all, err := store.OperatorAccounts(t.ctx)
		for _, a := range all {
			row := map[string]any{"id": a.ID, "name": a.Name, "plan": a.PlanKey, "createdAt": a.CreatedAt}
			err = errors.Join(err, t.show(row, "%s  %-10s  %s  %s", a.ID, a.PlanKey, a.CreatedAt, a.Name))
		}
		return err
	})
}

type keyCreate struct {
	operator
	Account      string `xor:"owner" required:"" placeholder:"acct_…" help:"Whose key it is."`
	AvatarServer bool   `xor:"owner" required:"" help:"For avatar servers, which serve all accounts."`
	Name         string `default:"made by the operator" help:"What an API key is for."`
}

// Run makes a key and prints its secret, this once.
func (c *keyCreate) Run(t *terminal) error {
	return c.accounts(t, nil, func(accounts *account.Service) error {
		var id, secret string
		if c.AvatarServer {
			key, text, err := accounts.OperatorCreateAvatarServerKey(t.ctx)
			if err != nil {
				return err
			}
			id, secret = key.ID, text
		} else {
			key, text, err := accounts.OperatorCreateKey(t.ctx, c.Account, c.Name)
			if err != nil {
				return err
			}
			id, secret = key.ID, text
		}
		return t.show(map[string]string{"id": id, "secret": secret}, "%s\n%s", id, secret)
	})
}

type keyRevoke struct {
	operator
	ID string `arg:"" help:"key_…"`
}

// Run revokes a key; a running server refuses it from its next use.
func (c *keyRevoke) Run(t *terminal) error {
	return c.existing(t, func(store *db.Store) error {
		accounts := account.New(store, nil, nil, models.SystemClock, newLogger(config.Log{}, t.logs))
		if err := accounts.OperatorRevokeKey(t.ctx, c.ID); err != nil {
			return err
		}
		return t.show(map[string]string{"id": c.ID}, "%s is revoked", c.ID)
	})
}

type keyList struct{ operator }

// Run lists keys of both kinds.
func (c *keyList) Run(t *terminal) error {
	return c.existing(t, func(store *db.Store) error {
		keys, err := store.OperatorAPIKeys(t.ctx)
		for _, k := range keys {
			row := map[string]any{
				"id": k.ID, "kind": "api", "account": k.AccountID, "name": k.Name, "prefix": k.Prefix,
				"createdAt": k.CreatedAt, "lastUsedAt": k.LastUsedAt, "revokedAt": k.RevokedAt,
			}
			err = errors.Join(err, t.show(row, "%s  %s…  %s  %s%s", k.ID, k.Prefix, k.AccountID, k.Name, revoked(k.RevokedAt)))
		}
		servers, listed := store.OperatorAvatarServerKeys(t.ctx)
		err = errors.Join(err, listed)
		for _, k := range servers {
			row := map[string]any{"id": k.ID, "kind": "avatar-server", "prefix": k.Prefix, "createdAt": k.CreatedAt, "revokedAt": k.RevokedAt}
			err = errors.Join(err, t.show(row, "%s  %s…  avatar servers%s", k.ID, k.Prefix, revoked(k.RevokedAt)))
		}
		return err
	})
}

func revoked(at *models.Time) string {
	if at == nil {
		return ""
	}
	return "  revoked " + at.String()
}

type sessionEnd struct {
	operator
	ID string `arg:"" help:"sess_…"`
}

// Run ends a session; the server that serves the database releases what it held.
func (c *sessionEnd) Run(t *terminal) error {
	return c.existing(t, func(store *db.Store) error {
		ended, err := session.OperatorEnd(t.ctx, store, models.SystemClock, c.ID)
		if err != nil {
			return err
		}
		row := map[string]any{"id": ended.ID, "endedAt": ended.EndedAt, "endReason": ended.EndReason}
		return t.show(row, "%s ended at %s: %s", ended.ID, ended.EndedAt, *ended.EndReason)
	})
}

type migrateCommand struct{ operator }

// Run migrates; opening the database does it.
func (c *migrateCommand) Run(t *terminal) error {
	return c.with(t, func(*db.Store) error {
		return t.show(map[string]string{"database": c.URL.String()}, "%s is up to date", c.URL)
	})
}

type backupCommand struct {
	operator
	File string `arg:"" help:"The copy; it must not exist."`
}

// Run copies the database. A file that does not exist is no database to back up.
func (c *backupCommand) Run(t *terminal) error {
	if file, ok := c.URL.SQLite(); ok {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
	}
	store, err := db.Open(t.ctx, c.URL.Reveal(), db.Options{SkipMigrations: true})
	if err != nil {
		return err
	}
	if err := errors.Join(store.Backup(t.ctx, c.File), store.Close()); err != nil {
		return err
	}
	return t.show(map[string]string{"file": c.File}, "%s is written; back up the secret beside the database too", c.File)
}
