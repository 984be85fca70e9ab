package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A caller is a connection that asks and waits for its answer, again and again. It knows just
// enough of HTTP for servers on this machine: what net/http's client would cost, the load would
// take from its measurements.
type caller struct {
	net  net.Conn
	in   *bufio.Reader
	body []byte // of the last answer
}

func call(ctx context.Context, address string) (*caller, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &caller{net: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// post is a whole request.
func post(r *rival, body string) []byte {
	return fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Accept: application/json\r\nContent-Length: %d\r\n\r\n%s", r.address, r.key, len(body), body)
}

// ask sends a request and reads its answer, which is good until the next.
func (c *caller) ask(request []byte) (status int, body []byte, err error) {
	if _, err := c.net.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	_, rest, _ := strings.Cut(string(line), " ")
	code, _, _ := strings.Cut(rest, " ")
	if status, err = strconv.Atoi(code); err != nil {
		return 0, nil, fmt.Errorf("not HTTP: %w", err)
	}
	length, err := c.header()
	if err != nil {
		return 0, nil, err
	}
	c.body = c.body[:0]
	if length >= 0 {
		err = c.read(length)
	} else {
		err = c.readChunks()
	}
	return status, c.body, err
}

// header reads up to the body and gives its length, -1 when it comes in chunks.
func (c *caller) header() (length int, err error) {
	for length = -1; ; {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= len("\r\n") {
			return length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

func (c *caller) read(n int) error {
	have := len(c.body)
	if cap(c.body) < have+n {
		c.body = append(make([]byte, 0, 2*(have+n)), c.body...)
	}
	c.body = c.body[:have+n]
	_, err := io.ReadFull(c.in, c.body[have:])
	return err
}

func (c *caller) readChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return fmt.Errorf("a chunk's size: %w", err)
		}
		if err := c.read(int(n)); err != nil {
			return err
		}
		if _, err := c.in.Discard(len("\r\n")); err != nil || n == 0 {
			return err
		}
	}
}

// A round is what one server did in one turn.
type round struct {
	rate float64       // answers a second
	cpu  float64       // of the server, in seconds an answer
	p99  time.Duration // of the answers
}

// A load is connections that all ask the same operation for a while.
type load struct {
	connections int
	operation   *operation
	rival       *rival
	asked       atomic.Int64
	took        samples
}

// run loads the server for that long. An answer that differs from the one that all servers gave
// before ends it.
func (l *load) run(ctx context.Context, span time.Duration) (round, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	all := make([]*caller, l.connections)
	defer func() {
		for _, c := range all {
			if c != nil {
				_ = c.net.Close()
			}
		}
	}()
	for i := range all {
		var err error
		if all[i], err = call(ctx, l.rival.address); err != nil {
			return round{}, err
		}
	}
	cpu, began := l.rival.cpu(), time.Now()
	until := began.Add(span)
	var asking sync.WaitGroup
	for _, c := range all {
		asking.Go(func() {
			if err := l.ask(ctx, c, until); err != nil {
				cancel(fmt.Errorf("%s, %s: %w", l.operation.name, l.rival.name, err))
			}
		})
	}
	asking.Wait()
	took := time.Since(began)
	if err := context.Cause(ctx); err != nil {
		return round{}, err
	}
	n := float64(l.asked.Load())
	if n == 0 {
		return round{}, errors.New("nothing was answered")
	}
	return round{rate: n / took.Seconds(), cpu: (l.rival.cpu() - cpu) / n, p99: l.took.at(99)}, nil
}

func (l *load) ask(ctx context.Context, c *caller, until time.Time) error {
	for now := time.Now(); now.Before(until) && ctx.Err() == nil; {
		check, err := l.once(c)
		if err != nil {
			return err
		}
		then := time.Now()
		l.took.add(then.Sub(now))
		now = then
		if err := check(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// once asks one thing. Its answer, good until the next, is checked when the time has been taken.
func (l *load) once(c *caller) (check func() error, err error) {
	n := l.asked.Add(1)
	if l.operation.story != nil {
		return func() error { return nil }, l.operation.story(l.rival, c)
	}
	question := l.rival.questions[l.operation][int(n)%len(l.operation.bodies)]
	status, body, err := c.ask(question.request)
	return func() error { return question.check(l.operation, status, body) }, err
}
