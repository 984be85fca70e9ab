package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"greenroom/config"
	"greenroom/db"
	"greenroom/graph"
	"greenroom/graph/guard"
	"greenroom/graph/transport"
	"greenroom/models"
	"greenroom/session"
)

// Who made a database; see db.SettingMode.
const (
	modeDev        = "dev"
	modeProduction = "production"
)

// openStore opens and migrates the database for serving. A database that was made by --dev has
// a well-known key's account and emulated rooms in it, and is never served in production; nor
// the other way round.
func openStore(ctx context.Context, cfg *config.Config, opts db.Options) (*db.Store, error) {
	store, err := db.Open(ctx, cfg.URL.Reveal(), opts)
	if err != nil {
		return nil, err
	}
	mode := modeProduction
	if cfg.Dev {
		mode = modeDev
	}
	if err := claim(ctx, store, mode); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// claim marks a new database as mode's, and refuses one that is the other's.
func claim(ctx context.Context, store *db.Store, mode string) error {
	has, err := store.Setting(ctx, db.SettingMode)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return store.Write(ctx, func(tx *db.Tx) error { return tx.PutSetting(db.SettingMode, mode) })
	case err != nil:
		return err
	case has == modeDev && mode != modeDev:
		return errors.New("this database was made by `serve --dev`, with a well-known key: set --database to another one")
	case has != mode:
		return errors.New("this database is a production one: set --database to another one for --dev")
	}
	return nil
}

// signingSecret is GREENROOM_SECRET, else the content of a file beside the SQLite database,
// made on first use and readable by its owner alone.
func signingSecret(cfg *config.Config) ([]byte, error) {
	if cfg.Secret.IsSet() {
		return []byte(cfg.Secret.Reveal()), nil
	}
	file, _ := cfg.URL.SQLite()
	name := file + ".secret"
	text := make([]byte, config.MinSecretBytes)
	_, _ = rand.Read(text)                                                // never fails
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // G304: the operator names it
	switch {
	case errors.Is(err, os.ErrExist):
		return readSecret(name)
	case err != nil:
		return nil, fmt.Errorf("make the secret: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(text) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("make the secret: %w", err)
	}
	return readSecret(name)
}

func readSecret(name string) ([]byte, error) {
	text, err := os.ReadFile(name) //nolint:gosec // G304: the operator names it
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < config.MinSecretBytes {
		return nil, fmt.Errorf("the secret in %s is shorter than %d bytes: put it back from your backup, or delete the file and rotate every access token", name, config.MinSecretBytes)
	}
	return []byte(secret), nil
}

func newLogger(cfg config.Log, out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == config.Text {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

func plansOf(configured config.Plans) models.Plans {
	plans := models.Plans{}
	for key, p := range configured {
		plans[key] = models.Plan{
			Key: key, Name: p.Name, MaxConcurrentSessions: p.MaxConcurrentSessions,
			MaxSessionDuration: p.MaxSessionDuration, IncludedMinutes: p.IncludedMinutes,
		}
	}
	return plans
}

func timingsOf(s config.Session) session.Timings {
	return session.Timings{
		CreateWithin: s.CreateWait, StartWithin: s.StartWait, GiveUpAfter: s.StartGiveUp,
		StartWindow: s.StartWindow, LostGrace: s.AvatarLostGrace, EmptyGrace: s.EmptyRoomGrace, Sweep: s.SweepInterval,
	}
}

// loopback is this machine, by either protocol.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// webhookNetworks are where webhooks may go besides public addresses. Under --dev receivers are on
// this machine.
func webhookNetworks(cfg *config.Config) []netip.Prefix {
	if cfg.Dev {
		return append(loopback, cfg.Webhooks.AllowPrivate...)
	}
	return cfg.Webhooks.AllowPrivate
}

func limitsOf(l config.Limits) graph.Limits {
	return graph.Limits{
		Body: int64(l.BodyBytes), Bytes: l.DocumentBytes, Tokens: l.Tokens, Cost: l.Cost, Errors: l.Errors,
		Document: guard.Limits{
			Operations: l.Operations, Fields: l.Fields, Aliases: l.Aliases, Directives: l.Directives,
			Depth: l.Depth, Introspection: l.IntrospectionDepth,
			Repeats: l.Repeats, Merged: l.FragmentRepeats, Values: l.ValueDepth,
		},
		Live: transport.Limits{
			Account: transport.Share{Sockets: l.AccountSockets, Operations: l.AccountOperations},
			Session: transport.Share{Sockets: l.TokenSockets, Operations: l.TokenOperations},
		},
	}
}
