// Handwritten is a server without GraphQL: it looks at which operation is asked for, and answers
// the fields of the benchmarks' documents by hand. It shows where the limit is that the driver and
// net/http set.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	_ "github.com/jackc/pgx/v5/stdlib" // database/sql's pgx
	_ "github.com/mattn/go-sqlite3"    // database/sql's sqlite3

	"greenroom/bench/peer"
)

// commands is the command line.
type commands struct {
	peer.Options
	Serve   serve   `cmd:"" help:"Serve what looks like GraphQL."`
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

type serve struct{}

// Run serves.
func (serve) Run(ctx context.Context, o *peer.Options) error {
	driver, dsn := "pgx", o.Database
	if file, ok := o.SQLite(); ok {
		driver, dsn = "sqlite3", file
	}
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	// As many as Greenroom has to read with, and kept open.
	pool.SetMaxOpenConns(12)
	pool.SetMaxIdleConns(12)
	if driver == "pgx" {
		// PostgreSQL would do so within a minute or two, in the midst of what is measured. It is for
		// all servers: they share the database.
		if _, err := pool.ExecContext(ctx, "ANALYZE"); err != nil {
			return err
		}
	}
	h := &handler{options: o}
	if h.page, err = pool.PrepareContext(ctx, columns+" WHERE s.account_id = $1 ORDER BY s.id DESC LIMIT $2"); err != nil {
		return err
	}
	if h.one, err = pool.PrepareContext(ctx, columns+" WHERE s.account_id = $1 AND s.id = $2"); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", h)
	return o.Serve(ctx, os.Stdout, mux)
}

// A handler knows three operations.
type handler struct {
	options   *peer.Options
	page, one *sql.Stmt
}

// A request is as much of one as is looked at.
type request struct {
	OperationName string `json:"operationName"`
	Variables     struct {
		First int    `json:"first"`
		ID    string `json:"id"`
	} `json:"variables"`
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	// To watch over a statement that somebody could call off costs the driver for SQLite more.
	answer, err := h.answer(context.WithoutCancel(r.Context()), &asked)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // whoever asked may be gone
}

func (h *handler) answer(ctx context.Context, asked *request) ([]byte, error) {
	now := peer.Now()
	switch asked.OperationName {
	case "Page":
		rows, err := h.page.QueryContext(ctx, h.options.Account, asked.Variables.First)
		if err != nil {
			return nil, err
		}
		return h.list(rows, now)
	case "Mobile":
		return h.single(h.one.QueryRowContext(ctx, h.options.Account, asked.Variables.ID), now, h.mobile)
	default:
		return h.single(h.one.QueryRowContext(ctx, h.options.Account, asked.Variables.ID), now, h.full)
	}
}
