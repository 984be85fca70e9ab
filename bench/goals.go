package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"greenroom/db/dbtest"
)

// A goalsBench compares this server with others, and says of each goal whether it is met.
type goalsBench struct {
	Only     []string `enum:"starts,reads,writes,feed" default:"starts,reads,writes,feed" placeholder:"PART,..." help:"Parts to run: starts, reads, writes, feed."`
	Sessions int      `default:"100000" help:"Sessions that have ended; a page of newer ones comes on top."`

	Rounds      int           `default:"5" help:"Turns of each server at each operation, after one to warm up."`
	Span        time.Duration `default:"800ms" help:"How long a turn lasts."`
	WarmUp      time.Duration `default:"2s" help:"How long Node's servers run before they are measured; others for a turn."`
	WriteSpan   time.Duration `default:"1500ms" help:"How long a turn of writing lasts."`
	Connections int           `default:"16" help:"Connections that read."`
	Callers     int           `default:"64" help:"Callers that write."`
	Subscribers int           `default:"9000" help:"Sockets on each of two servers."`
	Changes     int           `default:"10" help:"Changes that the sockets of each are told of."`

	Node     bool   `default:"true" negatable:"" help:"Compare with servers in Node, too: needs npm ci in bench/node."`
	Postgres bool   `default:"true" negatable:"" help:"Compare on PostgreSQL, too, in a throw-away cluster."`
	Pin      bool   `default:"true" negatable:"" help:"Give the servers a core and the load another, where taskset can."`
	Quick    bool   `help:"Small sizes, to see that everything runs: the figures mean nothing."`
	Results  string `default:"bench/results.json" placeholder:"FILE" help:"Where to write which goals are met; empty writes nothing."`
	Folder   string `default:"bench" placeholder:"FOLDER" help:"Where this program's source is."`

	under   []string // what a server is run under
	results []goal
	out     io.Writer
}

// A goal is a figure to reach, and whether it is reached.
type goal struct {
	Goal   string  `json:"goal"`
	Ratio  float64 `json:"ratio"`
	Target float64 `json:"target"`
	Met    bool    `json:"met"`

	spread ratio
	cpu    float64 // the same by CPU time, where it is a ratio of that too
	atMost bool
}

// Run compares, and fails only when servers differ or break: a goal that is missed is a result.
func (b *goalsBench) Run(ctx context.Context) error { return b.run(ctx, os.Stdout, os.Stderr) }

func (b *goalsBench) run(ctx context.Context, out, logs io.Writer) (err error) {
	if b.Quick {
		b.Sessions, b.Rounds, b.Span, b.WriteSpan = 200, 1, 100*time.Millisecond, 100*time.Millisecond
		b.Connections, b.Callers, b.Subscribers, b.Changes, b.Pin = 2, 4, 200, 2, false
	}
	b.out = out
	tools, err := os.MkdirTemp("", "greenroom-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tools)) }()
	if err := buildTools(ctx, tools); err != nil {
		return err
	}
	database := ""
	if b.Postgres {
		// Before this process is pinned, so that the cluster has all cores.
		dsn, giveBack, err := dbtest.Borrow(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, giveBack()) }()
		database = dsn
	}
	if b.Pin {
		if err := b.pin(ctx); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(b.out, "%d cores, %s; %s\n\n", runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format(time.DateOnly))
	if err = b.onSQLite(ctx, tools, logs); err != nil {
		err = fmt.Errorf("%s: %w", onSQLite, err)
	} else if database != "" {
		if err = b.onPostgres(ctx, tools, database, logs); err != nil {
			err = fmt.Errorf("%s: %w", onPostgres, err)
		}
	}
	if err != nil {
		return errors.Join(err, b.print())
	}
	return errors.Join(b.print(), b.write())
}

// pin puts this process, and so what it starts, on the last core, and servers on the first.
func (b *goalsBench) pin(ctx context.Context) error {
	cores := runtime.NumCPU()
	if path, _ := exec.LookPath("taskset"); path == "" || cores < 2 {
		_, _ = fmt.Fprintln(b.out, "servers and load share their cores: there is no taskset, or one core only")
		return nil
	}
	self := exec.CommandContext(ctx, "taskset", "-acp", strconv.Itoa(cores-1), strconv.Itoa(os.Getpid())) //nolint:gosec // G204: numbers
	if out, err := self.CombinedOutput(); err != nil {
		return fmt.Errorf("taskset: %w\n%s", err, out)
	}
	b.under = []string{"taskset", "-c", "0"}
	return nil
}

// both is what a program is run under that may have every core.
func (b *goalsBench) both() []string {
	if b.under == nil {
		return nil
	}
	return []string{"taskset", "-c", fmt.Sprintf("0-%d", runtime.NumCPU()-1)}
}

func (b *goalsBench) folder() string {
	absolute, err := filepath.Abs(b.Folder)
	if err != nil {
		return b.Folder
	}
	return absolute
}

func (b *goalsBench) wants(part string) bool { return slices.Contains(b.Only, part) }

// onSQLite runs every part.
func (b *goalsBench) onSQLite(ctx context.Context, tools string, logs io.Writer) (err error) {
	y, err := b.open(ctx, tools, "", b.Sessions, logs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, y.close()) }()
	if b.wants("starts") {
		if err := y.starts(ctx); err != nil {
			return fmt.Errorf("starts: %w", err)
		}
	}
	if err := y.enter(naive, handwritten); err != nil {
		return err
	}
	if b.Node {
		if err := y.enter(mercurius, apollo); err != nil {
			return fmt.Errorf("%w (npm ci in bench/node installs what Node's servers need)", err)
		}
	}
	if b.wants("reads") {
		if err := y.compareReads(ctx); err != nil {
			return err
		}
	}
	// Before writes, which leave rooms to be deleted in the background.
	if b.wants("feed") {
		if err := y.compareFeeds(ctx); err != nil {
			return err
		}
		if err := y.feedOwners(ctx); err != nil {
			return fmt.Errorf("feed of many accounts: %w", err)
		}
	}
	if b.wants("writes") {
		return y.compareWrites(ctx)
	}
	return nil
}

// fewer is how many times fewer sessions PostgreSQL is given: filling it takes long, and a page is
// at the end of an index either way.
const fewer = 5

// onPostgres runs what asks the database.
func (b *goalsBench) onPostgres(ctx context.Context, tools, database string, logs io.Writer) (err error) {
	if !b.wants("reads") && !b.wants("writes") {
		return nil
	}
	y, err := b.open(ctx, tools, database, b.Sessions/fewer, logs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, y.close()) }()
	if err := y.enter(naive, handwritten); err != nil {
		return err
	}
	if b.Node {
		if err := y.enter(mercurius); err != nil {
			return err
		}
	}
	if b.wants("reads") {
		if err := y.compareReads(ctx); err != nil {
			return err
		}
	}
	if b.wants("writes") {
		return y.compareWrites(ctx)
	}
	return nil
}

// compareReads measures the reads, and the goals for them.
func (y *yard) compareReads(ctx context.Context) error {
	b := y.goals
	for _, o := range y.reads() {
		d, err := b.compare(ctx, o, y.rivals, b.Connections, b.Span)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(b.out, "%s: %d bytes an answer\n", o.name, len(y.rivals[0].questions[o][0].answer))
		if err := d.print(b.out, y.engine, y.rivals); err != nil {
			return err
		}
		for _, g := range readGoals {
			if g.operation == o.name && len(d.rounds[g.rival]) > 0 {
				b.least(fmt.Sprintf("%s vs %s, %s", o.name, g.rival, y.engine), d.of(ours, g.rival, rate), d.of(ours, g.rival, perCPU).median, g.target)
			}
		}
	}
	return nil
}

// readGoals are the answers a second to reach, as so many times a rival's.
var readGoals = []struct {
	operation, rival string
	target           float64
}{
	{"page", naive, 20},
	{"page", mercurius, 2.5},
	{"page", handwritten, 0.8},
	{"one session", naive, 2.5},
	{"one session", mercurius, 1.2},
}

// least notes a goal that is met from the target on.
func (b *goalsBench) least(name string, r ratio, cpu, target float64) {
	b.results = append(b.results, goal{Goal: name, Ratio: digits(r.median), Target: target, Met: r.median >= target, spread: r, cpu: cpu})
}

// most notes a goal that is met up to the target.
func (b *goalsBench) most(name string, r ratio, target float64) {
	b.results = append(b.results, goal{Goal: name, Ratio: digits(r.median), Target: target, Met: r.median <= target, spread: r, atMost: true})
}

// digits keeps what means something.
func digits(x float64) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Ceil(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}

// print shows the goals.
func (b *goalsBench) print() error {
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(w, "%-72s\tmeasured\t(least - most)\tby CPU\ttarget\tmet\t\n", "goal")
	for _, g := range b.results {
		sign, met, cpu := "≥", "no", ""
		if g.atMost {
			sign = "≤"
		}
		if g.Met {
			met = "yes"
		}
		if g.cpu > 0 {
			cpu = short(g.cpu)
		}
		_, _ = fmt.Fprintf(w, "%-72s\t%s\t(%s - %s)\t%s\t%s %s\t%s\t\n", g.Goal, short(g.Ratio), short(g.spread.low), short(g.spread.high), cpu, sign, short(g.Target), met)
	}
	return w.Flush()
}

// write keeps them.
func (b *goalsBench) write() error {
	if b.Results == "" {
		return nil
	}
	text, err := json.MarshalIndent(b.results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.Results, append(text, '\n'), 0o644) //nolint:gosec // G306: for everybody to read
}
