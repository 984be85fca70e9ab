package main

import (
	"database/sql"
	"net/http"
	"syscall"
	"time"

	"greenroom/models"
)

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
