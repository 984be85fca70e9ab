package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
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
	chaosPlaces = 40
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
		if chance.IntN(2) == 0 {
			c.passLeases()
		}
		p := c.serveWith(env...)
		c.furnish(p)
		if point == failpoint.StartBeforeCommit || point == failpoint.StartAfterCommit || round%3 == 0 {
			c.awaitAvatars(p, fmt.Sprint(round))
		}
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
