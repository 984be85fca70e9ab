package main

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"greenroom/daily/emulator"
	"greenroom/failpoint"
	"greenroom/models"
)

// A victim is an installation with one server that dies at a failpoint, and what is found then.
type victim struct {
	*chaos
	client *program
}

// killedAt runs a server that dies when it comes to the failpoint, while do uses it. Do is told
// to give up by a call that is not answered.
func killedAt(t *testing.T, at failpoint.Point, do func(*victim)) *victim {
	t.Helper()
	v := &victim{chaos: newChaos(t, sqlite(t))}
	p := v.serveWith(fmt.Sprintf("%s=%s:1", failpointVariable, at))
	v.furnish(p)
	v.meet(p)
	do(v)
	v.awaitDeath(p, at)
	return v
}

func (v *victim) meet(p *process) {
	v.client = &program{t: v.t, client: &http.Client{Transport: &http.Transport{}}, first: p.first}
	v.t.Cleanup(v.client.client.CloseIdleConnections)
}

// restart runs the next server, for which the leases of the dead one have run out.
func (v *victim) restart() {
	v.t.Helper()
	v.passLeases()
	v.meet(v.serveWith())
}

// unanswered creates a session under the key "once" and is not answered.
func (v *victim) unanswered() {
	v.t.Helper()
	if _, answered := v.create(v.client, "once"); answered {
		v.t.Fatal("the create was answered")
	}
}

// once asks again under the key, and gives the one session that there may be.
func (v *victim) once() *stored {
	v.t.Helper()
	again, _ := v.create(v.client, "once")
	if again == nil {
		v.t.Fatal("the key makes no session any more")
	}
	pool := v.open(v.t)
	wrong := v.repaired(pool)
	found := v.gather(pool)
	for _, line := range append(append(wrong, found.committed(1)...), found.kept(v.known)...) {
		v.t.Error(line)
	}
	s := found.sessions[again.id]
	if len(found.sessions) != 1 || s == nil {
		v.t.Fatalf("%d sessions, the key answers %s", len(found.sessions), again.id)
	}
	if found.made[s.roomName] != 1 || len(found.rooms) != 1 {
		v.t.Errorf("Daily made %v", found.made)
	}
	seen := v.client.must(again.token, `{ viewer { session { id } } }`, nil)
	if text(seen, "viewer.session.id") != again.id {
		v.t.Errorf("the token reads %v", seen)
	}
	places := v.client.must(v.key, `{ viewer { account { concurrency { current } } } }`, nil)
	if got := count(places, "viewer.account.concurrency.current"); got != 1 {
		v.t.Errorf("%d places are taken", got)
	}
	return s
}

func TestMatrix01KilledBeforeTheIntentIsCommitted(t *testing.T) {
	t.Parallel()
	v := killedAt(t, failpoint.CreateBeforeCommit, (*victim).unanswered)
	found := v.gather(v.open(t))
	if len(found.sessions)+len(found.keys)+len(found.rooms) > 0 {
		t.Errorf("something is left: %+v", found)
	}
	v.restart()
	v.once()
}

func TestMatrix02KilledBeforeTheRoomIsAskedFor(t *testing.T) {
	t.Parallel()
	v := killedAt(t, failpoint.CreateAfterCommit, (*victim).unanswered)
	found := v.gather(v.open(t))
	if len(found.sessions) != 1 || len(found.keys) != 1 || len(found.rooms) != 0 {
		t.Errorf("not only the intent is left: %+v", found)
	}
	v.restart()
	if s := v.once(); found.sessions[s.id] == nil {
		t.Errorf("session %s is another one", s.id)
	}
}

func TestMatrix03KilledBeforeTheRoomIsKnown(t *testing.T) {
	t.Parallel()
	for _, at := range []failpoint.Point{failpoint.CreateAfterRoom, failpoint.RoomBeforeCommit} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			v := killedAt(t, at, (*victim).unanswered)
			found := v.gather(v.open(t))
			if len(found.sessions) != 1 || len(found.rooms) != 1 {
				t.Errorf("not a session and its room are left: %+v", found)
			}
			v.restart()
			if s := v.once(); found.sessions[s.id] == nil || found.sessions[s.id].roomState != models.RoomCreating {
				t.Errorf("session %s was not adopted", s.id)
			}
		})
	}
}

func TestMatrix04KilledBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	v := killedAt(t, failpoint.RoomAfterCommit, (*victim).unanswered)
	found := v.gather(v.open(t))
	v.restart()
	s := v.once()
	if before := found.sessions[s.id]; before == nil || before.roomState != models.RoomReady {
		t.Errorf("session %s was not finished before the kill", s.id)
	}
	first := v.known["once"].token
	delete(v.known, "once")
	if again, _ := v.create(v.client, "once"); again.token != first {
		t.Error("the key answers another token")
	}
}

func TestMatrix05KilledWithinTheEnd(t *testing.T) {
	t.Parallel()
	for at, ended := range map[failpoint.Point]bool{
		failpoint.EndBeforeCommit: false, failpoint.EndAfterCommit: true, failpoint.ClaimAfterCommit: true,
		failpoint.EjectAfterCall: true, failpoint.DeleteAfterCall: true,
	} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			v := killedAt(t, at, func(v *victim) {
				made, _ := v.create(v.client, "once")
				if made == nil {
					t.Fatal("no session was made")
				}
				v.end(v.client, made) // answered or not
			})
			of := v.known["once"]
			found := v.gather(v.open(t))
			for _, line := range append(found.committed(1), found.kept(v.known)...) {
				t.Error(line)
			}
			if found.sessions[of.id].live() == ended {
				t.Errorf("ended: %v", !ended)
			}
			v.restart()
			if !v.end(v.client, of) || !of.ended {
				t.Fatal("it cannot be ended")
			}
			pool := v.open(t)
			wrong := v.repaired(pool)
			found = v.gather(pool)
			for _, line := range append(append(wrong, found.committed(0)...), found.kept(v.known)...) {
				t.Error(line)
			}
			if room := found.rooms[found.sessions[of.id].roomName]; room.State != emulator.RoomDeleted {
				t.Errorf("its room is %q", room.State)
			}
		})
	}
}

// TestMatrix26ToldToStopUnderLoad is SIGTERM: what was acknowledged stays, and the server comes to
// its end by itself. What was under way is answered, or told that it was not done.
func TestMatrix26ToldToStopUnderLoad(t *testing.T) {
	t.Parallel()
	c := newChaos(t, sqlite(t))
	for range 3 {
		p := c.serveWith()
		c.furnish(p)
		enough := c.answers() + 30
		callers := c.load(p, fmt.Sprint(enough), enough)
		callers.awaitReached(t)
		c.signal(p, syscall.SIGTERM)
		callers.Wait()
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v\n%s", err, &p.logs)
		}
		c.checkCommitted(0)
		c.checkLogs(p)
	}
	for _, line := range c.gather(c.open(t)).kept(c.known) {
		t.Error(line)
	}
	c.settle()
}
