package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// callers is how many calls are under way at once while a benchmark gets ready.
const callers = 32

// A plant is an installation to be measured: a new database, SQLite unless said otherwise, an
// emulated Daily and a server, each in a process of its own, and an account without limits.
type plant struct {
	ctx      context.Context // ends with the benchmark; close needs none
	dir      string
	binary   string
	database string
	daily    string // the emulator's API
	environ  []string
	logs     io.Writer
	programs []*program // in the order of their start

	url, metrics string
	// key is the account's, avatarKey that of avatar servers.
	key, avatarKey string
	account        string // its id
	avatar         string // an avatar's id
	client         *http.Client
}

// build makes a plant and returns when it serves. The caller closes it.
func build(ctx context.Context, o *options, logs io.Writer) (p *plant, err error) {
	p, err = newPlant(ctx, o.Binary, logs)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.binary == "" {
		p.binary = filepath.Join(p.dir, "greenroom")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", p.binary, "greenroom").CombinedOutput(); err != nil { //nolint:gosec // G204: a path of our own
			return p, fmt.Errorf("build greenroom: %w\n%s", err, out)
		}
	}
	if err := p.furnish(); err != nil {
		return p, err
	}
	if _, err := p.serve(strings.Fields(o.Under)); err != nil {
		return p, err
	}
	var made struct {
		CreateAvatar struct{ Avatar struct{ ID string } }
	}
	err = p.ask(`mutation { createAvatar(input: {name: "Ada", url: "https://example.com/ada.png"}) { avatar { id } } }`, nil, &made)
	p.avatar = made.CreateAvatar.Avatar.ID
	return p, err
}

// newPlant makes a plant in which nothing runs yet.
func newPlant(ctx context.Context, binary string, logs io.Writer) (*plant, error) {
	dir, err := os.MkdirTemp("", "greenroom-bench-")
	return &plant{
		ctx: ctx, dir: dir, binary: binary, database: "sqlite:" + filepath.Join(dir, "bench.db"), logs: logs,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}},
	}, err
}

// liftedRate is beyond what any benchmark calls.
const liftedRate = "1000000/1s"

// furnish does what an operator does with a new installation, with limits out of the way: those
// of Daily, and those of a plan.
func (p *plant) furnish() error {
	daily, err := p.launch(p.own(nil, "daily-emulator", "--listen=127.0.0.1:0", "--calls="+liftedRate, "--deletes="+liftedRate))
	if err != nil {
		return err
	}
	p.daily = daily.printed["url"]
	p.environ = []string{
		"GREENROOM_DATABASE=" + p.database, "DAILY_API_KEY=dev", "DAILY_API_URL=" + p.daily,
		"GREENROOM_SECRET=only-for-benchmarks-and-no-secret-at-all",
	}
	account, err := p.do("account", "create", "--name=Bench", "--plan=unlimited")
	if err != nil {
		return err
	}
	p.account = account["id"]
	key, err := p.do("key", "create", "--account="+p.account)
	if err != nil {
		return err
	}
	avatarKey, err := p.do("key", "create", "--avatar-server")
	if err != nil {
		return err
	}
	p.key, p.avatarKey = key["secret"], avatarKey["secret"]
	return nil
}

// serveFlags are how a server is started.
var serveFlags = []string{
	"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-level=warn",
	"--daily-calls=" + liftedRate, "--daily-deletes=" + liftedRate, "--webhook-allow-private=127.0.0.0/8",
}

// serve starts the server and returns when it knows Daily.
func (p *plant) serve(under []string, flags ...string) (*program, error) {
	server, err := p.launch(p.own(under, append(slices.Clone(serveFlags), flags...)...))
	if err != nil {
		return nil, err
	}
	p.url, p.metrics = server.printed["url"], server.printed["metrics"]
	return server, p.awaitReady()
}

// A program is a process of the plant.
type program struct {
	command *exec.Cmd
	stop    context.CancelFunc
	printed map[string]string // its first line
}

// own is the command line of a command of Greenroom.
func (p *plant) own(under []string, args ...string) []string {
	return slices.Concat(under, []string{p.binary, "--json"}, args)
}

func (p *plant) program(line []string) *program {
	ctx, stop := context.WithCancel(p.ctx)
	c := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // G204: whoever runs a benchmark chooses
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	c.Env, c.Stderr = append(c.Environ(), p.environ...), p.logs
	return &program{command: c, stop: stop}
}

// do runs a command to its end and decodes the line that it prints.
func (p *plant) do(args ...string) (printed map[string]string, err error) {
	return p.once(p.own(nil, args...))
}

// once is decode for a line of texts.
func (p *plant) once(line []string) (printed map[string]string, err error) {
	err = p.decode(line, &printed)
	return printed, err
}

// decode runs a program to its end and decodes the line that it prints.
func (p *plant) decode(line []string, into any) error {
	one := p.program(line)
	defer one.stop()
	out, err := one.command.Output()
	if err == nil {
		err = json.Unmarshal(out, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(line, " "), err)
	}
	return nil
}

// launch starts a program and decodes the line that it prints once it can be reached.
func (p *plant) launch(line []string) (*program, error) {
	one := p.program(line)
	out, err := one.command.StdoutPipe()
	if err == nil {
		err = one.command.Start()
	}
	if err != nil {
		one.stop()
		return nil, fmt.Errorf("%s: %w", strings.Join(line, " "), err)
	}
	p.programs = append(p.programs, one)
	said, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(said, &one.printed)
	}
	if err != nil {
		return nil, fmt.Errorf("%s printed %q: %w", strings.Join(line, " "), said, err)
	}
	return one, nil
}

// awaitReady waits until the server knows Daily.
func (p *plant) awaitReady() error {
	for deadline := time.After(time.Minute); ; {
		r, err := p.get(p.url + "/readyz")
		if err != nil {
			return err
		}
		_ = r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			return fmt.Errorf("the server is not ready: %s", r.Status)
		}
	}
}

func (p *plant) get(url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(p.ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return p.client.Do(r)
}

// close stops everything in the opposite order of starting and removes the database. It fails
// when a process had ended before, or in disorder.
func (p *plant) close() (err error) {
	p.client.CloseIdleConnections()
	for len(p.programs) > 0 {
		err = errors.Join(err, p.end(p.programs[len(p.programs)-1]))
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// end stops one program.
func (p *plant) end(one *program) error {
	p.programs = slices.DeleteFunc(p.programs, func(other *program) bool { return other == one })
	one.stop()
	if err := one.command.Wait(); !stopped(err) {
		return fmt.Errorf("%s: %w", one.command.Path, err)
	}
	return nil
}

// stopped tells whether a process has ended because it was told to.
func stopped(err error) bool {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status, _ := exit.Sys().(syscall.WaitStatus)
		return status.Signaled() && status.Signal() == syscall.SIGTERM
	}
	return errors.Is(err, context.Canceled)
}
