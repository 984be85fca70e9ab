package main

import (
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"greenroom/failpoint"
	"greenroom/models"
)

// failpointVariable has a process of this binary kill itself: NAME:COUNT is at the COUNTth time
// that it comes to the failpoint NAME.
const failpointVariable = "GREENROOM_FAILPOINT"

// atWork ends the variable of a process that counts from a SIGUSR1 on.
const atWork = "@USR1"

// armFailpoint does what the variable says.
func armFailpoint(set string) {
	set, waits := strings.CutSuffix(set, atWork)
	name, text, _ := strings.Cut(set, ":")
	count, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(failpointVariable + " is " + set)
	}
	var counts atomic.Bool
	counts.Store(!waits)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	go func() { <-told; counts.Store(true) }()
	var times atomic.Int64
	failpoint.Arm(func(p failpoint.Point) {
		if string(p) == name && counts.Load() && times.Add(1) == count {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way: nothing more is done here
		}
	})
}

// deadly are the points at which servers die.
var deadly = []failpoint.Point{
	failpoint.CreateBeforeCommit, failpoint.CreateAfterCommit, failpoint.CreateAfterRoom, failpoint.RoomBeforeCommit, failpoint.RoomAfterCommit,
	failpoint.StartBeforeCommit, failpoint.StartAfterCommit, failpoint.EndBeforeCommit, failpoint.EndAfterCommit,
	failpoint.ClaimAfterCommit, failpoint.EjectAfterCall, failpoint.DeleteAfterCall,
}

const (
	chaosCallers = 8
	// chaosPlaces is few enough that creates are refused now and then.
	chaosPlaces = 24
)

// A chaos is an installation whose server dies again and again while callers use it. Daily and an
// avatar server outlive it.
type chaos struct {
	*installation
	address string
	seed    uint64
	// hooks is the account's own server, which is told of its sessions.
	hooks *hookReceiver

	mu sync.Mutex
	// known is every session that was acknowledged, by its key.
	known map[string]*told
	// unsure are keys whose create went unanswered.
	unsure map[string]bool
	// acknowledged counts by operation, refused by code.
	acknowledged, refused map[string]int
	unanswered            int
}

// told is what callers were told of one session. What was asked for and not answered may have
// happened or not: then more than one is possible.
type told struct {
	id, token string
	started   bool
	ended     bool
	// asked says that an end was asked for.
	asked bool
	// n is the number in its metadata, tried one that may be there instead.
	n, tried int
}

func newChaos(t *testing.T, database string) *chaos {
	t.Helper()
	in := installOn(t, database)
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := port.Addr().String() // the same for every server, because the avatar server dials it
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	in.env = append(in.env, "GREENROOM_WEBHOOK_ALLOW_PRIVATE=127.0.0.1/32")
	c := &chaos{
		installation: in, address: address, seed: *killSeed, hooks: receiveHooks(t),
		known: map[string]*told{}, unsure: map[string]bool{}, acknowledged: map[string]int{}, refused: map[string]int{},
	}
	key := spawn(t, in.env, "key", "create", "--avatar-server").first["secret"]
	begin(t, []string{"GREENROOM_AVATAR_SERVER_KEY=" + key}, "avatar-server", "--url=http://"+address, "--instance=gpu", "--capacity=1000")
	return c
}

// serveWith runs the next server. The plan of the account has few places here.
func (c *chaos) serveWith(env ...string) *process {
	c.t.Helper()
	return spawn(c.t, append(env, c.env...), "serve", "--listen="+c.address, "--admin-listen=off",
		"--daily-calls=100000/1s", "--daily-deletes=100000/1s", "--create-wait=5s", "--start-wait=2s", "--start-window=6h",
		fmt.Sprintf(`--plans={"unlimited": {"maxConcurrentSessions": %d, "maxSessionDuration": 14400}}`, chaosPlaces))
}

// furnish makes what the callers use, once: the avatar, and the endpoint of their webhooks.
func (c *chaos) furnish(p *process) {
	c.t.Helper()
	if c.avatar != "" {
		return
	}
	c.installation.furnish(p)
	var made struct{ CreateWebhookEndpoint struct{ Secret string } }
	if err := c.installation.ask(p, createHook, vars{"url": c.hooks.URL}, &made); err != nil || made.CreateWebhookEndpoint.Secret == "" {
		c.t.Fatalf("no endpoint: %v", err)
	}
	c.hooks.mu.Lock()
	defer c.hooks.mu.Unlock()
	c.hooks.secret = made.CreateWebhookEndpoint.Secret
}

// run kills servers, half of them at failpoints, and gives how often each failpoint has fired.
func (c *chaos) run(kills int) map[failpoint.Point]int {
	c.t.Helper()
	chance := rand.New(rand.NewPCG(c.seed, 0))
	points := slices.Clone(deadly)
	chance.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	fired := map[failpoint.Point]int{}
	for round := range kills {
		var point failpoint.Point
		var env []string
		if round%2 == 0 {
			point = points[round/2%len(points)]
			env = []string{fmt.Sprintf("%s=%s:%d%s", failpointVariable, point, 1+chance.IntN(4), atWork)}
		}
		p := c.serveWith(env...)
		c.furnish(p)
		before := c.answers()
		callers := c.load(p, fmt.Sprint(round), before+1+chance.IntN(40))
		callers.awaitReached(c.t)
		if point == "" {
			p.kill()
		} else {
			c.signal(p, syscall.SIGUSR1)
			c.awaitDeath(p, point)
			fired[point]++
		}
		callers.Wait()
		c.checkCommitted(round)
		c.checkLogs(p)
	}
	return fired
}

// A load is callers at work.
type load struct {
	sync.WaitGroup
	// reached is closed when enough operations have been acknowledged.
	reached chan struct{}
}

// load has callers use a server until it does not answer any more.
func (c *chaos) load(p *process, name string, enough int) *load {
	l := &load{reached: make(chan struct{})}
	reach := sync.OnceFunc(func() { close(l.reached) })
	for caller := range chaosCallers {
		l.Go(func() {
			c.use(p, fmt.Sprintf("%s-%d", name, caller), func() {
				if c.answers() >= enough {
					reach()
				}
			})
		})
	}
	return l
}

func (l *load) awaitReached(t *testing.T) {
	t.Helper()
	select {
	case <-l.reached:
	case <-time.After(patience):
		t.Fatal("the server acknowledges nothing any more")
	}
}

// awaitDeath waits until the process has killed itself.
func (c *chaos) awaitDeath(p *process, at failpoint.Point) {
	c.t.Helper()
	impatient := time.AfterFunc(patience, func() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) }) // which shows where it is
	_ = p.cmd.Wait()
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !impatient.Stop() || status.Signal() != syscall.SIGKILL {
		c.t.Fatalf("the server never came to %s: %v\n%s", at, p.cmd.ProcessState, &p.logs)
	}
}

func (c *chaos) signal(p *process, s syscall.Signal) {
	c.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// answers is how many operations have been acknowledged.
func (c *chaos) answers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, count := range c.acknowledged {
		n += count
	}
	return n
}

// checkLogs looks for what no kill excuses.
func (c *chaos) checkLogs(p *process) {
	c.t.Helper()
	for _, bad := range []string{"DATA RACE", `"panic"`, "panic:"} {
		if strings.Contains(p.logs.String(), bad) {
			c.t.Errorf("a server said %s\n%s", bad, &p.logs)
		}
	}
}

// checkCommitted looks at what a kill has left, before anybody repairs it.
func (c *chaos) checkCommitted(round int) {
	c.t.Helper()
	for _, wrong := range c.gather(c.open(c.t)).committed(chaosPlaces) {
		c.t.Errorf("after kill %d: %s", round+1, wrong)
	}
}

// passLeases lets the claims of the dead run out, which takes half a minute otherwise, and lets
// rooms that were given up be deleted now. No server runs meanwhile.
func (c *chaos) passLeases() {
	c.t.Helper()
	pool := c.open(c.t)
	for _, statement := range []string{
		"UPDATE sessions SET room_due = 1 WHERE room_due IS NOT NULL", "UPDATE webhook_deliveries SET due = 1 WHERE due IS NOT NULL",
	} {
		if _, err := pool.ExecContext(c.t.Context(), statement); err != nil {
			c.t.Fatal(err)
		}
	}
}

// settle runs a last server until nothing is left to repair, asks again for what went unanswered,
// ends everything, and holds each step against the invariants.
func (c *chaos) settle() {
	c.t.Helper()
	c.passLeases()
	p := c.serveWith()
	client := &program{t: c.t, client: &http.Client{Transport: &http.Transport{}}, first: p.first}
	defer client.client.CloseIdleConnections()
	pool := c.open(c.t)
	report := func(when string, wrong []string) {
		for _, line := range wrong {
			c.t.Errorf("%s: %s", when, line)
		}
	}
	report("after the last restart", c.repaired(pool))
	for len(c.unsure) > 0 { // each call leaves one less, or makes a place for it
		if !c.askAgain(client) || !c.endOldest(client) {
			c.t.Fatalf("the last server does not answer\n%s", &p.logs)
		}
	}
	report("when all was asked again", c.repaired(pool))
	found := c.gather(pool)
	report("when all was asked again", append(found.committed(chaosPlaces), found.kept(c.known)...))
	c.checkRefused(client)
	for _, of := range c.known {
		if !of.ended && !c.end(client, of) {
			c.t.Fatalf("the last server does not answer\n%s", &p.logs)
		}
	}
	report("when all had ended", c.repaired(pool))
	found = c.gather(pool)
	report("when all had ended", append(found.committed(0), found.kept(c.known)...))
	c.checkUsage(client, found)
	c.signal(p, syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		c.t.Errorf("the last server ended with %v", err)
	}
	c.checkLogs(p)
}

// repaired waits until rooms and sessions agree, and tells what still does not after a while.
func (c *chaos) repaired(pool *sql.DB) (wrong []string) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		found := c.gather(pool)
		if wrong = append(found.settled(), found.told(c.hooks.got())...); len(wrong) == 0 {
			return nil
		}
		select {
		case <-deadline:
			return wrong
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checkRefused tries what no ended session may do any more (I5).
func (c *chaos) checkRefused(client *program) {
	c.t.Helper()
	tried := 0
	for _, of := range c.known {
		if !of.ended || tried == 20 {
			continue
		}
		tried++
		got := client.ask(of.token, `mutation ($id: ID!) {
			startSession(input: {id: $id}) { wsUri session { dailyRoom { token } } userErrors { code } }
		}`, vars{"id": of.id})
		if text(got.Data, "startSession.userErrors.0.code") != "SESSION_ENDED" || at(got.Data, "startSession.wsUri") != nil ||
			at(got.Data, "startSession.session.dailyRoom.token") != nil {
			c.t.Errorf("I5: session %s has ended, and its start is answered %s", of.id, got.body)
		}
	}
	if tried == 0 {
		c.t.Error("no session had ended")
	}
}

// checkUsage adds up what was billed (I6). All sessions have ended.
func (c *chaos) checkUsage(client *program, found *evidence) {
	c.t.Helper()
	seen := client.must(c.key, `{ viewer { account { usage { periodStart usedSeconds } } } }`, nil)
	from := models.TimeOf(instant(c.t, seen, "viewer.account.usage.periodStart"))
	want := 0
	for _, s := range found.sessions {
		if s.startedAt != nil && *s.endedAt > max(from, *s.startedAt) {
			want += int(*s.endedAt-max(from, *s.startedAt)) / 1000
		}
	}
	if got := count(seen, "viewer.account.usage.usedSeconds"); got != want {
		c.t.Errorf("I6: %d seconds are billed, the sessions took %d", got, want)
	}
}

// killLoop is a whole run.
func killLoop(t *testing.T, database string, kills int) {
	t.Helper()
	c := newChaos(t, database)
	t.Logf("-kill.seed=%d", c.seed)
	fired := c.run(kills)
	c.settle()
	for _, point := range deadly {
		if kills >= 2*len(deadly) && fired[point] == 0 {
			t.Errorf("no server died at %s", point)
		}
	}
	for _, what := range []string{"createSession", "startSession", "updateSessionMetadata", "endSession"} {
		if c.acknowledged[what] == 0 {
			t.Errorf("no %s was ever acknowledged", what)
		}
	}
	if c.unanswered < kills {
		t.Errorf("%d calls went unanswered in %d kills: the kills hit nothing", c.unanswered, kills)
	}
	if c.refused["CONCURRENCY_LIMIT_REACHED"] == 0 {
		t.Error("all places were never taken")
	}
	t.Logf("%d kills, at %v; acknowledged %v, refused %v, %d unanswered", kills, fired, c.acknowledged, c.refused, c.unanswered)
}

var (
	kills    = flag.Int("kills", 15, "how many servers the kill loop kills")
	killSeed = flag.Uint64("kill.seed", rand.Uint64(), "of the kill loop's choices")
)

// TestKillLoop kills servers at the worst instants and at any, and holds the database and Daily's
// own record against the invariants. `make chaos` has the long form, on both databases.
func TestKillLoop(t *testing.T) {
	t.Parallel()
	killLoop(t, sqlite(t), *kills)
}
