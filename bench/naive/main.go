// Naive is the server that gqlgen's and GORM's getting-started guides lead to: a resolver for each
// edge, which asks the database once for each parent, and defaults everywhere. What it has beyond
// the guides is what a comparison needs: the same rows, the same tokens, and SQLite's settings
// that make commits durable.
package main

import (
	"context"
	"expvar"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/alecthomas/kong"
	"github.com/vektah/gqlparser/v2/ast"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"greenroom/bench/naive/generated"
	"greenroom/bench/peer"
	"greenroom/models"
)

// commands is the command line.
type commands struct {
	peer.Options
	Serve   serve   `cmd:"" help:"Serve GraphQL."`
	Creates creates `cmd:"" help:"Write sessions in this process, without any server, and print how many."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commands
	command := kong.Parse(&cli)
	command.BindTo(ctx, (*context.Context)(nil))
	command.FatalIfErrorf(command.Run(&cli.Options))
}

// open uses GORM as it comes. Its log is off: what it would say of slow statements costs time.
func open(o *peer.Options) (*gorm.DB, error) {
	if dsn, ok := o.SQLite(); ok {
		return gorm.Open(sqlite.Open(dsn), &gorm.Config{Logger: logger.Discard})
	}
	db, err := gorm.Open(postgres.Open(o.Database), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	// Without a bound, 16 callers open 800 connections at once, of which database/sql keeps 2:
	// nobody leaves it at that. With SQLite it makes no difference.
	pool.SetMaxOpenConns(12)
	pool.SetMaxIdleConns(12)
	return db, nil
}

type serve struct{}

// Run serves. The transports, the cache and the extensions are those of gqlgen's template; the
// WebSocket is that of its guide to subscriptions, without the pings.
func (serve) Run(ctx context.Context, o *peer.Options) error {
	db, err := open(o)
	if err != nil {
		return err
	}
	rooms, err := o.Rooms()
	if err != nil {
		return err
	}
	defer rooms.Close()
	srv := handler.New(generated.NewExecutableSchema(generated.Config{
		Resolvers: &resolver{options: o, db: db, rooms: rooms, watchers: map[string]map[chan *models.Session]bool{}},
	}))
	srv.AddTransport(transport.Options{})
	srv.AddTransport(transport.Websocket{})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	srv.Use(extension.Introspection{})
	srv.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](100)})
	expvar.Publish("goroutines", expvar.Func(func() any { return runtime.NumGoroutine() }))
	mux := http.NewServeMux()
	mux.Handle("/graphql", srv)
	mux.Handle("/debug/vars", expvar.Handler())
	return o.Serve(ctx, os.Stdout, mux)
}

// creates writes as many sessions as it can.
type creates struct {
	Avatar  string        `required:"" help:"An avatar's id."`
	Callers int           `default:"64" help:"How many write at once."`
	For     time.Duration `default:"2s" help:"How long."`
}

// Run has every caller write a session in a transaction, again and again.
func (c *creates) Run(ctx context.Context, o *peer.Options) error {
	db, err := open(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.For)
	defer cancel()
	var tally peer.Tally
	var callers sync.WaitGroup
	began := time.Now()
	for range c.Callers {
		callers.Go(func() {
			for ctx.Err() == nil {
				row := peer.NewSession(o.Account, c.Avatar, peer.Now())
				tally.Note(db.Transaction(func(tx *gorm.DB) error { return tx.Create(row).Error }))
			}
		})
	}
	callers.Wait()
	if err := tally.Print(os.Stdout, time.Since(began)); err != nil {
		return fmt.Errorf("%d callers: %w", c.Callers, err)
	}
	return nil
}
