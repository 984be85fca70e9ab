package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"

	"greenroom/daily"
)

// A yard is one account's past and present in one database, and servers that each show it. With
// SQLite every server has a file of its own, all alike; with PostgreSQL they share the database.
type yard struct {
	*plant
	goals  *goalsBench
	engine string
	tools  string // a folder with Greenroom's binary and those of the Go peers
	domain string // Daily's id of it
	// rivals are all servers, Greenroom first.
	rivals []*rival
	// ids are of sessions, some live and some ended.
	ids    []string
	copies int
	// owners are other accounts, each with a session to watch.
	owners []owner
}

// The engines, by the names in the tables.
const (
	onSQLite   = "SQLite"
	onPostgres = "PostgreSQL"
)

// buildTools builds everything that is written in Go.
func buildTools(ctx context.Context, dir string) error {
	line := []string{"build", "-o", dir, "greenroom", "greenroom/bench/naive", "greenroom/bench/handwritten", "greenroom/bench/writer"}
	if out, err := exec.CommandContext(ctx, "go", line...).CombinedOutput(); err != nil { //nolint:gosec // G204: a path of our own
		return fmt.Errorf("build the servers: %w\n%s", err, out)
	}
	return nil
}

// open makes the data, so many sessions that have ended and a page of newer ones, and starts
// Greenroom on it. database is a PostgreSQL's; empty is a file.
func (b *goalsBench) open(ctx context.Context, tools, database string, sessions int, logs io.Writer) (y *yard, err error) {
	p, err := newPlant(ctx, filepath.Join(tools, "greenroom"), logs)
	if err != nil {
		return nil, err
	}
	y = &yard{plant: p, goals: b, engine: onSQLite, tools: tools}
	if database != "" {
		y.engine, p.database = onPostgres, database
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, y.close())
		}
	}()
	if err := p.furnish(); err != nil {
		return y, err
	}
	// One core of several is the load's: Go would take that for all there is, and a commit that
	// waits for the disk needs a second thread.
	p.environ = append(p.environ, "GOMAXPROCS=2", "NODE_ENV=production")
	planted, err := p.once(y.peer("writer", p.database, "plant", fmt.Sprintf("--sessions=%d", sessions)))
	if err != nil {
		return y, err
	}
	p.avatar = planted["avatar"]
	if b.wants("feed") && y.engine == onSQLite {
		if err := p.decode(y.peer("writer", p.database, "audience", fmt.Sprintf("--accounts=%d", b.Subscribers)), &y.owners); err != nil {
			return y, err
		}
	}
	server, err := p.serve(b.under, "--start-window=24h")
	if err != nil {
		return y, err
	}
	y.rivals = []*rival{newRival(ours, p.key, server)}
	if err := y.live(); err != nil {
		return y, err
	}
	return y, y.learnDomain(ctx)
}

// live makes the newest page: sessions that wait to be started, and every fourth ended.
func (y *yard) live() error {
	for i := range pageSize {
		var made struct {
			CreateSession struct {
				Session    struct{ ID string }
				UserErrors refusals
			}
		}
		err := y.ask(`mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } userErrors { code message } } }`,
			map[string]any{"input": map[string]any{
				"avatarId": y.avatar, "endUserId": fmt.Sprintf("learner-%d", i), "maxDuration": 1800,
				"metadata": map[string]any{"course": "french-1", "lesson": i, "note": `says "salut"`},
			}}, &made)
		if err = errors.Join(err, made.CreateSession.UserErrors.err()); err != nil {
			return err
		}
		id := made.CreateSession.Session.ID
		if i%2 == 0 {
			y.ids = append(y.ids, id)
		}
		if i%4 != 3 {
			continue
		}
		var ended any
		if err := y.ask(`mutation ($id: ID!) { endSession(input: {id: $id}) { userErrors { code } } }`, map[string]any{"id": id}, &ended); err != nil {
			return err
		}
	}
	return nil
}

func (y *yard) learnDomain(ctx context.Context) error {
	client, err := daily.New(daily.Config{URL: y.daily, Key: "dev"})
	if err != nil {
		return err
	}
	defer client.Close()
	domain, err := client.Domain(ctx)
	y.domain = domain.ID
	return err
}

// copy is a database for a server of its own, as it is now: for SQLite another file.
func (y *yard) copy() (database string, err error) {
	if y.engine == onPostgres {
		return y.database, nil
	}
	y.copies++
	file := filepath.Join(y.dir, fmt.Sprintf("copy-%d.db", y.copies))
	_, err = y.do("backup", file)
	return "sqlite:" + file, err
}

// peer is the command line of a peer that is written in Go.
func (y *yard) peer(name, database string, command ...string) []string {
	return append(append([]string{filepath.Join(y.tools, name)}, y.told(database)...), command...)
}

// told is what every peer is told.
func (y *yard) told(database string) []string {
	return []string{
		"--database=" + database, "--account=" + y.account, "--key=" + y.key,
		"--daily-url=" + y.daily, "--daily-key=dev", "--domain=" + y.domain,
	}
}

// line is how a peer is started.
func (y *yard) line(name, database string) []string {
	var line []string
	switch name {
	case naive:
		line = y.peer("naive", database, "serve")
	case handwritten:
		line = y.peer("handwritten", database, "serve")
	case mercurius:
		line = append([]string{"node", filepath.Join(y.goals.folder(), "node", "mercurius.mjs")}, y.told(database)...)
	case apollo:
		line = append([]string{"node", filepath.Join(y.goals.folder(), "node", "apollo.mjs")}, y.told(database)...)
	}
	return append(append([]string{}, y.goals.under...), line...)
}

// enter starts peers, each on a copy.
func (y *yard) enter(names ...string) error {
	for _, name := range names {
		database, err := y.copy()
		if err != nil {
			return err
		}
		one, err := y.launch(y.line(name, database))
		if err != nil {
			return err
		}
		y.rivals = append(y.rivals, newRival(name, y.key, one))
	}
	return nil
}

// among are those of the rivals.
func (y *yard) among(names ...string) []*rival {
	var found []*rival
	for _, r := range y.rivals {
		if slices.Contains(names, r.name) {
			found = append(found, r)
		}
	}
	return found
}
