// Greenroom is a self-hosted GraphQL server for AI-avatar sessions. One binary serves, plays a
// demo, emulates Daily, renders avatars for show, and does an operator's work: see commands.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"greenroom/account"
	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/config"
	"greenroom/daily"
	"greenroom/db"
	"greenroom/events"
	"greenroom/graph"
	"greenroom/models"
	"greenroom/session"
	"greenroom/stream"
	"greenroom/webhooks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal drains; from then on the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	collectLess(os.Getenv("GOGC"))
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr), os.Stderr))
}

// garbagePercent is how much a process allocates before it looks for garbage, of what it holds. An idle
// server holds little, so that Go's own 100 looks several times a second while sessions are created:
// a tenth of all CPU. 200 takes half of that, for 10 MB more under load.
const garbagePercent = 200

// collectLess sets garbagePercent where the operator has not set GOGC.
func collectLess(gogc string) {
	if gogc == "" {
		debug.SetGCPercent(garbagePercent)
	}
}

// exitConfig is EX_CONFIG of sysexits.h: deploy/greenroom.service does not start again what ends so.
// Not 2, with which Go ends a program that panics.
const exitConfig = 78

// exitCode tells people and supervisors what went wrong: exitConfig for a configuration that cannot
// work, 1 for anything else.
func exitCode(err error, out io.Writer) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(out, "greenroom: %v\n", err)
	if _, ok := errors.AsType[*config.Error](err); ok {
		return exitConfig
	}
	return 1
}

// A server is one running Greenroom. Its parts are stopped in the opposite order of starting.
type server struct {
	cfg  *config.Config
	log  *slog.Logger
	base string // where clients reach it, such as http://127.0.0.1:8080
	// metricsURL is where its metrics are read; empty with --admin-listen=off.
	metricsURL string

	hub      *events.Hub
	store    *db.Store
	registry *avatarserver.Registry
	sessions *session.Service
	accounts *account.Service
	webhooks *webhooks.Service
	metrics  *metrics
	auth     *auth.Authenticator
	graph    *graph.Handler
	streams  *stream.Server
	dev      *devWorld // nil without --dev

	public, admin *http.Server
	serving       sync.WaitGroup
	failed        chan error
	// touching counts writes of when a key was last used.
	touching sync.WaitGroup
	// giveBack ends the right to serve the database.
	giveBack func() error
}

// start brings up a whole server and returns when it answers. Daily may be down: the server is
// not ready then, but reads and ends work.
func start(ctx context.Context, cfg *config.Config, logs io.Writer) (_ *server, err error) {
	s := &server{cfg: cfg, log: newLogger(cfg.Log, logs), metrics: newMetrics(), failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	listener, err := listen(ctx, "listen", cfg.Listen)
	if err != nil {
		return nil, err
	}
	s.base = cfg.BaseURL(listener.Addr())
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.public = s.serve(listener, s.routes())
	if cfg.AdminListen != config.Off {
		admin, err := listen(ctx, "admin-listen", cfg.AdminListen)
		if err != nil {
			return nil, err
		}
		s.admin = s.serve(admin, s.adminRoutes())
		s.metricsURL = "http://" + admin.Addr().String() + "/metrics"
	}
	if err := s.sessions.Run(ctx); err != nil {
		return nil, err
	}
	s.webhooks.Run()
	if s.dev != nil {
		s.dev.runAvatarServer(s)
		if err := s.dev.registerWebhook(ctx, s, listener.Addr()); err != nil {
			return nil, err
		}
	}
	s.log.Info("serving", "url", s.base, "database", cfg.URL.String(), "dev", cfg.Dev)
	return s, nil
}

// build opens the database and makes the rooms of the house, each given what it may know.
func (s *server) build(ctx context.Context) error {
	var err error
	s.hub, err = events.Open(events.Config{URL: s.cfg.NATSURL.Reveal(), Environment: s.cfg.Session.Environment, Log: s.log})
	if err != nil {
		return err
	}
	s.store, err = openStore(ctx, s.cfg, db.Options{Log: s.log, Observe: s.metrics.writes.Observe, Committed: s.committed})
	if err != nil {
		return err
	}
	if s.giveBack, err = s.store.Seize(ctx); err != nil {
		return err
	}
	secret, err := signingSecret(s.cfg)
	if err != nil {
		return err
	}
	if s.webhooks, err = webhooks.New(webhooks.Config{
		Store: s.store, Secret: secret, Clock: models.SystemClock, Log: s.log,
		Allow: webhookNetworks(s.cfg), Timeout: s.cfg.Webhooks.Timeout, Observe: s.metrics.webhook,
	}); err != nil {
		return err
	}
	s.metrics.backlog(s.webhooks)
	plans := plansOf(s.cfg.Plans)
	s.accounts = account.New(s.store, s.hub, plans, models.SystemClock, s.log)
	dailyURL, dailyKey := s.cfg.Daily.APIURL, s.cfg.Daily.APIKey.Reveal()
	if s.cfg.Dev {
		if s.dev, err = newDevWorld(ctx, s); err != nil {
			return err
		}
		dailyURL, dailyKey = s.dev.dailyURL, devDailyKey
	}
	client, err := daily.New(daily.Config{
		URL: dailyURL, Key: dailyKey, Log: s.log, Observe: s.metrics.dailyCall,
		Calls: daily.Rate(s.cfg.Daily.Calls), Deletes: daily.Rate(s.cfg.Daily.Deletes),
	})
	if err != nil {
		return fmt.Errorf("daily: %w", err)
	}
	if s.auth, err = s.newAuthenticator(); err != nil {
		return err
	}
	s.registry = avatarserver.NewRegistry(avatarserver.Config{Authenticate: s.avatarServerKey, Log: s.log})
	s.metrics.watch(s.registry)
	s.metrics.live(s.hub)
	public, err := url.Parse(s.base)
	if err != nil {
		return fmt.Errorf("public URL: %w", err)
	}
	s.sessions = session.New(session.Config{
		Store: s.store, Daily: client, AvatarServers: s.registry, Hub: s.hub, Signer: auth.NewSigner(secret),
		Plans: plans, Clock: models.SystemClock, Log: s.log, Timings: timingsOf(s.cfg.Session),
		DailyKey: dailyKey, RoomPrefix: s.cfg.Session.Environment, PublicURL: public,
		Observe: s.metrics.session, ObserveOrphan: s.metrics.orphans.Inc,
	})
	s.registry.SetSessions(s.sessions)
	return nil
}

func (s *server) newAuthenticator() (*auth.Authenticator, error) {
	devAccount := ""
	if s.dev != nil {
		devAccount = s.dev.account.ID
	}
	return auth.NewAuthenticator(auth.Lookup{
		APIKey:          s.store.APIKeyByPrefix,
		AvatarServerKey: s.store.AvatarServerKeyByPrefix,
		Session:         s.store.SessionByToken,
		APIKeys:         s.apiKeys,
		Sessions:        s.store.SessionsByToken,
		Used:            s.touch,
	}, models.SystemClock, devAccount)
}

// apiKeys finds many keys by their prefixes.
func (s *server) apiKeys(ctx context.Context, prefixes []string) (map[string]auth.StoredKey, error) {
	found := make(map[string]auth.StoredKey, len(prefixes))
	err := s.store.EachAPIKey(ctx, prefixes, func(k *models.APIKey, hash []byte) { found[k.Prefix] = auth.StoredKey{Key: k, Hash: hash} })
	return found, err
}

// committed passes on what has been written: to whoever watches, and to whoever tells others.
func (s *server) committed(c *models.Change) {
	s.hub.Publish(c)
	if s.webhooks != nil && c.After != nil {
		s.webhooks.Wake()
	}
}

// touch notes a key's use without keeping its caller waiting.
func (s *server) touch(keyID string, minute models.Time) {
	s.touching.Go(func() {
		err := s.store.Write(context.Background(), func(tx *db.Tx) error { return tx.TouchAPIKey(keyID, minute) })
		if err != nil {
			s.log.Warn("note a key's use", "key", keyID, "error", err)
		}
	})
}

// avatarServerKey checks the credential of an avatar server that dials in; under --dev the
// built-in one has a key of its own.
func (s *server) avatarServerKey(ctx context.Context, secret string) error {
	if s.dev != nil && s.dev.isAvatarServer(secret) {
		return nil
	}
	return s.auth.AvatarServer(ctx, secret)
}

// listen opens what a flag names.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return l, nil
}

// serve answers on l until the server stops.
func (s *server) serve(l net.Listener, h http.Handler) *http.Server {
	web := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // but a mutation's, which waits for others: graph/transport moves it
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.serving.Go(func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
	})
	return web
}

// stopWithin is what is kept of the drain time, half of it at most, for what follows the
// listener's part: avatar servers are told, background work ends, the database is closed.
const stopWithin = 3 * time.Second

// wait serves until ctx ends or a listener fails, and then stops.
func (s *server) wait(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
		s.log.Info("draining", "within", s.cfg.DrainTime.String())
	case err = <-s.failed:
	}
	s.stop()
	return err
}

// stop takes nothing new, lets what is under way finish, and closes everything, all within the
// drain time. What is still unfinished then is taken up from the database by the next run.
func (s *server) stop() {
	last, cancelLast := context.WithTimeout(context.Background(), s.cfg.DrainTime)
	defer cancelLast()
	ctx, cancel := context.WithTimeout(last, s.cfg.DrainTime-min(stopWithin, s.cfg.DrainTime/2))
	defer cancel()
	report := func(what string, err error) {
		if err != nil {
			s.log.Warn("stop "+what, "error", err)
		}
	}
	if s.sessions != nil {
		s.sessions.Drain()
	}
	if s.public != nil {
		// The listener does not know of sockets, and its event streams end with the draining.
		var sockets sync.WaitGroup
		sockets.Go(func() { report("sockets", s.graph.Drain(ctx)) })
		sockets.Go(func() { report("streams", s.streams.Shutdown(ctx)) })
		report("listener", s.public.Shutdown(ctx))
		_ = s.public.Close() // whoever is still there is waited for no longer
		sockets.Wait()
	}
	// Tries that hang are cut off in time to be put back before the database closes.
	tries, cancelTries := context.WithTimeout(last, min(stopWithin, s.cfg.DrainTime/2)/2)
	defer cancelTries()
	var sent sync.WaitGroup
	if s.webhooks != nil {
		sent.Go(func() { report("webhooks", s.webhooks.Shutdown(tries)) })
	}
	if s.registry != nil {
		report("avatar servers", s.registry.Shutdown(last))
	}
	if s.sessions != nil {
		report("sessions", s.sessions.Shutdown(last))
	}
	if s.admin != nil {
		report("admin listener", s.admin.Shutdown(last))
		_ = s.admin.Close()
	}
	sent.Wait()
	s.serving.Wait()
	report("database", within(last, s.closeStore))
	if s.hub != nil {
		s.hub.Close()
	}
	if s.dev != nil {
		s.dev.stop()
	}
	s.log.Info("stopped")
}

// closeStore takes as long as a database that does not answer makes it.
func (s *server) closeStore() error {
	s.touching.Wait()
	var err error
	if s.giveBack != nil {
		err = s.giveBack()
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// within runs do, and returns without it when ctx ends first: the process is about to end, and
// do with it.
func within(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
