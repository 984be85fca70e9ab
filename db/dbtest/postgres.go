package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds every step of a cluster's life. A slow machine needs seconds at most.
const patience = time.Minute

// Postgres gives the caller an empty PostgreSQL database of its own, as
// `postgres://postgres@127.0.0.1:PORT/NAME?sslmode=disable`, for as long as its test runs.
//
// All databases of a test binary are in one throw-away cluster. It is started for the first
// caller, which takes a second or two, and stopped and removed when the last one is done; see
// [Main] for tests that run one after another. A test binary that is killed takes its server
// with it. Without PostgreSQL on the machine the test fails and says what to install.
func Postgres(tb testing.TB) (dsn string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	c, name, err := shared.use(ctx)
	if err != nil {
		tb.Fatalf("start a PostgreSQL for this test: %v", err)
	}
	tb.Cleanup(func() {
		if err := shared.release(); err != nil {
			tb.Errorf("stop the PostgreSQL of the tests: %v", err)
		}
	})
	if err := c.exec(ctx, "CREATE DATABASE "+name); err != nil {
		tb.Fatalf("create database %s: %v", name, err)
	}
	tb.Cleanup(func() { // before the release
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := c.exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop database %s: %v", name, err)
		}
	})
	return c.dsn(name)
}

// Main runs the tests of a package with one cluster from the first call of [Postgres] to the
// end, where tests that do not overlap would else start one each:
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
func Main(m *testing.M) {
	shared.hold()
	m.Run()
	if err := shared.release(); err != nil {
		panic(fmt.Sprintf("stop the PostgreSQL of the tests: %v", err))
	}
}

// shared is the cluster of this test binary.
var shared pool

// A pool counts the users of a cluster that exists while there are any.
type pool struct {
	mu      sync.Mutex
	users   int
	named   int // databases, ever: no name comes twice
	cluster *cluster
}

// hold counts a user that needs no cluster yet.
func (p *pool) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users++
}

// use counts a user and gives it the cluster and a name for its database. The first one starts
// the cluster while the others wait.
func (p *pool) use(ctx context.Context) (c *cluster, database string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cluster == nil {
		if p.cluster, err = startCluster(ctx); err != nil {
			return nil, "", err
		}
	}
	p.users++
	p.named++
	return p.cluster, fmt.Sprintf("test_%d", p.named), nil
}

// release ends a use; with the last one the cluster goes.
func (p *pool) release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
	if p.users > 0 || p.cluster == nil {
		return nil
	}
	c := p.cluster
	p.cluster = nil
	return c.stop()
}

// A cluster is one PostgreSQL server and its files.
type cluster struct {
	dir    string
	port   int
	server *child
}

func (c *cluster) dsn(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

// exec runs a statement about databases, from outside of them.
func (c *cluster) exec(ctx context.Context, sql string) (err error) {
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func (c *cluster) stop() error {
	return errors.Join(c.server.stop(), os.RemoveAll(c.dir))
}
