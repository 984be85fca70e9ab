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
	"strings"
	"syscall"
	"time"
)

// callers is how many calls are under way at once while a benchmark gets ready.
const callers = 32

// A plant is an installation to be measured: a new SQLite database, an emulated Daily and a
// server, each in a process of its own, and an account without limits.
type plant struct {
	ctx      context.Context //nolint:containedctx // ends with the benchmark; close needs none
	dir      string
	binary   string
	environ  []string
	logs     io.Writer
	programs []*program // in the order of their start

	url, metrics string
	// key is the account's, avatarKey that of avatar servers.
	key, avatarKey string
	avatar         string // an avatar's id
	client         *http.Client
}

// build makes a plant and returns when it serves. The caller closes it.
func build(ctx context.Context, o *options, logs io.Writer) (p *plant, err error) {
	dir, err := os.MkdirTemp("", "greenroom-bench-")
	if err != nil {
		return nil, err
	}
	p = &plant{
		ctx: ctx, dir: dir, binary: o.Binary, logs: logs,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.binary == "" {
		p.binary = filepath.Join(dir, "greenroom")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", p.binary, "greenroom").CombinedOutput(); err != nil { //nolint:gosec // G204: a path of our own
			return p, fmt.Errorf("build greenroom: %w\n%s", err, out)
		}
	}
	return p, p.furnish(strings.Fields(o.Under))
}

// furnish does what an operator does with a new installation, with limits out of the way: those
// of Daily, and those of a plan.
func (p *plant) furnish(under []string) error {
	const rate = "1000000/1s"
	daily, err := p.launch(nil, "daily-emulator", "--listen=127.0.0.1:0", "--calls="+rate, "--deletes="+rate)
	if err != nil {
		return err
	}
	p.environ = []string{
		"GREENROOM_DATABASE=sqlite:" + filepath.Join(p.dir, "bench.db"),
		"DAILY_API_KEY=dev", "DAILY_API_URL=" + daily["url"],
	}
	account, err := p.do("account", "create", "--name=Bench", "--plan=unlimited")
	if err != nil {
		return err
	}
	key, err := p.do("key", "create", "--account="+account["id"])
	if err != nil {
		return err
	}
	avatarKey, err := p.do("key", "create", "--avatar-server")
	if err != nil {
		return err
	}
	p.key, p.avatarKey = key["secret"], avatarKey["secret"]
	server, err := p.launch(under, "serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-level=warn",
		"--daily-calls="+rate, "--daily-deletes="+rate, "--webhook-allow-private=127.0.0.0/8")
	if err != nil {
		return err
	}
	p.url, p.metrics = server["url"], server["metrics"]
	if err := p.awaitReady(); err != nil {
		return err
	}
	var made struct {
		CreateAvatar struct{ Avatar struct{ ID string } }
	}
	err = p.ask(`mutation { createAvatar(input: {name: "Ada", url: "https://example.com/ada.png"}) { avatar { id } } }`, nil, &made)
	p.avatar = made.CreateAvatar.Avatar.ID
	return err
}

// A program is a process of the plant.
type program struct {
	command *exec.Cmd
	stop    context.CancelFunc
}

func (p *plant) program(under []string, args ...string) *program {
	line := append(append(under, p.binary, "--json"), args...)
	ctx, stop := context.WithCancel(p.ctx)
	c := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // G204: whoever runs a benchmark chooses
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	c.Env, c.Stderr = append(c.Environ(), p.environ...), p.logs
	return &program{c, stop}
}

// do runs a command to its end and decodes the line that it prints.
func (p *plant) do(args ...string) (printed map[string]string, err error) {
	one := p.program(nil, args...)
	defer one.stop()
	out, err := one.command.Output()
	if err == nil {
		err = json.Unmarshal(out, &printed)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return printed, err
}

// launch starts a program and decodes the line that it prints once it can be reached.
func (p *plant) launch(under []string, args ...string) (printed map[string]string, err error) {
	one := p.program(under, args...)
	out, err := one.command.StdoutPipe()
	if err == nil {
		err = one.command.Start()
	}
	if err != nil {
		one.stop()
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	p.programs = append(p.programs, one)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &printed)
	}
	if err != nil {
		return nil, fmt.Errorf("%s printed %q: %w", args[0], line, err)
	}
	return printed, nil
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
		last := p.programs[len(p.programs)-1]
		p.programs = p.programs[:len(p.programs)-1]
		last.stop()
		if waited := last.command.Wait(); !stopped(waited) {
			err = errors.Join(err, waited)
		}
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// stopped tells whether a process has ended because it was told to.
func stopped(err error) bool {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status, _ := exit.Sys().(syscall.WaitStatus)
		return status.Signaled() && status.Signal() == syscall.SIGTERM
	}
	return errors.Is(err, context.Canceled)
}
