package dbtest

import (
	"context"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A Server is a PostgreSQL that one test has for itself and may treat badly.
type Server struct {
	tb      testing.TB
	cluster *cluster
	// DSN is of the server's one database, which is empty at first. A restart keeps it.
	DSN string
}

// OwnPostgres starts a server, which takes a second or two, until the test ends.
func OwnPostgres(tb testing.TB) *Server {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	c, err := startCluster(ctx)
	if err != nil {
		tb.Fatalf("start a PostgreSQL of this test's own: %v", err)
	}
	s := &Server{tb: tb, cluster: c, DSN: c.dsn("own")}
	tb.Cleanup(func() {
		if err := s.cluster.stop(); err != nil {
			tb.Errorf("stop the PostgreSQL of this test: %v", err)
		}
	})
	if err := c.exec(ctx, "CREATE DATABASE own"); err != nil {
		tb.Fatal(err)
	}
	return s
}

// Crash is `pg_ctl -m immediate restart`: no connection is told, nothing is written down, and the
// new server recovers from its log. It returns when that one answers.
func (s *Server) Crash() {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), patience)
	defer cancel()
	if err := s.cluster.server.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		s.tb.Fatal(err)
	}
	select {
	case <-s.cluster.server.exited:
	case <-ctx.Done():
		s.tb.Fatal("the server does not stop")
	}
	bin, err := programs()
	if err != nil {
		s.tb.Fatal(err)
	}
	credential, err := serverUser()
	if err != nil {
		s.tb.Fatal(err)
	}
	again, err := serveOn(ctx, s.cluster.port, s.cluster.dir, bin, credential)
	if err != nil {
		s.tb.Fatalf("start the server again: %v", err)
	}
	s.cluster = again
}

// Terminate ends every connection to the database, whatever it is doing, and counts them.
func (s *Server) Terminate() int {
	s.tb.Helper()
	conn, err := pgx.Connect(s.tb.Context(), s.cluster.dsn("postgres"))
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = conn.Close(s.tb.Context()) }()
	var ended int
	err = conn.QueryRow(s.tb.Context(),
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'own'").Scan(&ended)
	if err != nil {
		s.tb.Fatal(err)
	}
	return ended
}
