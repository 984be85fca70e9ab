package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

var errNotInstalled = errors.New("the programs of a PostgreSQL server are missing: install the package postgresql (Debian: apt-get install postgresql), or put initdb and postgres on PATH")

// startCluster makes a cluster in a folder of its own and waits until it answers.
func startCluster(ctx context.Context) (c *cluster, err error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	credential, err := serverUser()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "greenroom-pg-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return nil, err
		}
	}
	// No password: nobody else's data is here, and only this machine can connect.
	initdb := command(ctx, dir, credential, filepath.Join(bin, "initdb"),
		"--pgdata=data", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// Between finding a free port and listening on it, somebody else may take it.
	for range 5 {
		if c, err = serve(ctx, dir, bin, credential); err == nil || ctx.Err() != nil {
			break
		}
	}
	return c, err
}

// serve starts the server on a port that was free a moment ago.
func serve(ctx context.Context, dir, bin string, credential *syscall.Credential) (*cluster, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	return serveOn(ctx, port, dir, bin, credential)
}

// serveOn starts the server. Settings that make commits durable keep their defaults: they cost
// these tests little, and timing stays like the real one.
func serveOn(ctx context.Context, port int, dir, bin string, credential *syscall.Credential) (*cluster, error) {
	// Not bound to ctx: the server outlives the caller it was started for.
	cmd := command(context.WithoutCancel(ctx), dir, credential, filepath.Join(bin, "postgres"), "-D", "data",
		"-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(port), "-c", "unix_socket_directories="+dir,
		"-c", "shared_buffers=16MB", "-c", "max_connections=200", "-c", "timezone=UTC")
	var output bytes.Buffer // read only when the server has exited
	cmd.Stdout, cmd.Stderr = &output, &output
	server, err := startChild(cmd)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, port: port, server: server}
	if err := c.ready(ctx); err != nil {
		return nil, fmt.Errorf("%w\n%s", errors.Join(err, server.stop()), output.String())
	}
	return c, nil
}

// ready polls until the server takes connections.
func (c *cluster) ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.dsn("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-c.server.exited:
			return errors.New("the server exited at once")
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// command runs a program of PostgreSQL in dir, without this process's PG… variables.
func command(ctx context.Context, dir string, credential *syscall.Credential, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	return cmd
}

// programs is the folder of initdb and postgres: Debian's newest version, else where PATH
// leads to.
func programs() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range dirs {
		_, errInit := os.Stat(filepath.Join(dir, "initdb"))
		_, errServer := os.Stat(filepath.Join(dir, "postgres"))
		if errInit == nil && errServer == nil {
			return dir, nil
		}
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errNotInstalled
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Dir(path), nil
}

// version reads 15 out of /usr/lib/postgresql/15/bin; what is no number sorts last.
func version(bin string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	if err != nil {
		return 0
	}
	return n
}

// serverUser is who the server runs as: PostgreSQL refuses root, so that root hands it to the
// user that Debian's package makes. Nil is this process's own user.
func serverUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and there is no user postgres: %w", errNotInstalled)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	addr, _ := l.Addr().(*net.TCPAddr)
	return addr.Port, l.Close()
}
