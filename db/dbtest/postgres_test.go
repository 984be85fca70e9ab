package dbtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/db/dbtest"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	t.Run("EveryCallerHasADatabaseOfItsOwn", func(t *testing.T) {
		t.Parallel()
		names := make(chan string, 4)
		t.Run("AtOnce", func(t *testing.T) {
			for range cap(names) {
				t.Run("Caller", func(t *testing.T) {
					t.Parallel()
					conn := connect(t, dbtest.Postgres(t))
					if _, err := conn.Exec(t.Context(), "CREATE TABLE mine ()"); err != nil { // somebody else's has one
						t.Error(err)
					}
					names <- query(t, conn, "SELECT current_database()")
				})
			}
		})
		close(names)
		seen := map[string]bool{}
		for name := range names {
			if seen[name] {
				t.Errorf("two callers share %s", name)
			}
			seen[name] = true
		}
		if len(seen) != cap(names) {
			t.Errorf("%d callers had a database, want %d", len(seen), cap(names))
		}
	})
	t.Run("IsDurableAndLocalAndUTC", func(t *testing.T) {
		t.Parallel()
		conn := connect(t, dbtest.Postgres(t))
		for setting, want := range map[string]string{
			"fsync": "on", "synchronous_commit": "on", "TimeZone": "UTC", "server_encoding": "UTF8", "listen_addresses": "127.0.0.1",
		} {
			if got := query(t, conn, "SHOW "+setting); got != want {
				t.Errorf("%s is %s, want %s", setting, got, want)
			}
		}
	})
}

// TestNothingIsLeft runs this test binary again, as one that uses a cluster and then ends.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	if os.Getenv("DBTEST_ENDS") != "" {
		useCluster(t)
		return
	}
	t.Run("WhenTheLastUserIsDone", func(t *testing.T) {
		t.Parallel()
		other := startUser(t, "by itself")
		if err := other.cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(other.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", other.dir, err)
		}
		other.untilRefused(t)
	})
	t.Run("RunningWhenTheTestBinaryIsKilled", func(t *testing.T) {
		t.Parallel()
		other := startUser(t, "when killed")
		if err := other.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = other.cmd.Wait() // "signal: killed"
		t.Cleanup(func() { _ = os.RemoveAll(other.dir) })
		other.untilRefused(t)
	})
}

// useCluster is the other process: it says where its cluster is, and ends as it is told.
func useCluster(t *testing.T) {
	t.Helper()
	dsn := dbtest.Postgres(t)
	data := query(t, connect(t, dsn), "SHOW data_directory")
	fmt.Fprintf(os.Stdout, "\ncluster %s %s\n", dsn, filepath.Dir(data))
	if os.Getenv("DBTEST_ENDS") == "when killed" {
		select {}
	}
}

// A clusterUser is another test binary with a cluster.
type clusterUser struct {
	cmd  *exec.Cmd
	dir  string // the cluster's files
	addr string // the cluster's server
}

func startUser(t *testing.T, ends string) *clusterUser {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingIsLeft$")
	cmd.Env = append(os.Environ(), "DBTEST_ENDS="+ends)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var dsn, dir string
		if n, _ := fmt.Sscanf(lines.Text(), "cluster %s %s", &dsn, &dir); n == 2 {
			return &clusterUser{cmd: cmd, dir: dir, addr: address(t, dsn)}
		}
	}
	t.Fatalf("the other test binary did not start a cluster: %v", errors.Join(lines.Err(), cmd.Wait()))
	return nil
}

// untilRefused waits for the server to be gone. A process number would not tell: nobody may
// have collected its exit status.
func (u *clusterUser) untilRefused(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = conn.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the server at %s still answers", u.addr)
		}
	}
}

func address(t *testing.T, dsn string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s:%d", config.Host, config.Port)
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func query(t *testing.T, conn *pgx.Conn, sql string) (value string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
