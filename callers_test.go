package main

import (
	"fmt"
	"net/http"
)

// use is one caller: it creates, and of what it has created it starts, annotates and ends some,
// until the server does not answer any more.
func (c *chaos) use(p *process, name string, answered func()) {
	client := &program{t: c.t, client: &http.Client{Transport: &http.Transport{}}, first: p.first}
	defer client.client.CloseIdleConnections()
	if !c.askAgain(client) {
		return
	}
	for n, mine := 0, 0; ; n++ {
		made, alive := c.create(client, fmt.Sprintf("%s-%d", name, n))
		answered()
		if alive && made == nil {
			alive = c.endOldest(client)
		} else if alive {
			switch mine % 4 {
			case 0:
				alive = c.start(client, made)
			case 1:
				alive = c.annotate(client, made, n+1)
			case 2:
				alive = c.end(client, made)
			}
			mine++
		}
		if !alive {
			return
		}
		answered()
	}
}

// awaitAvatars waits until the avatar server has dialled in again: until a session starts.
func (c *chaos) awaitAvatars(p *process, name string) {
	c.t.Helper()
	client := &program{t: c.t, client: &http.Client{Transport: &http.Transport{}}, first: p.first}
	defer client.client.CloseIdleConnections()
	until(c.t, "a session starts", func() bool {
		made, _ := c.create(client, name)
		if made == nil {
			c.endOldest(client)
			return false
		}
		c.start(client, made)
		return made.started
	})
	c.end(client, c.known[name])
}

// ask runs one operation as the back end: what was answered, the code of its refusal, and whether
// there was an answer at all.
func (c *chaos) ask(client *program, field, query string, variables vars) (data any, code string, answered bool) {
	got, err := client.try(http.MethodPost, "/graphql", operation(query, variables), "Content-Type", "application/json", "X-Api-Key", c.key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.unanswered++
		return nil, "", false
	}
	data = at(got.Data, field)
	if code = got.code(); code == "" {
		code = text(data, "userErrors.0.code")
	}
	switch code {
	case "":
		c.acknowledged[field]++
	case "CONCURRENCY_LIMIT_REACHED", "UNAVAILABLE", "AVATAR_NOT_READY", "NO_AVATAR_SERVER", "SESSION_ENDED", "CONFLICT":
		c.refused[code]++
	default:
		c.t.Errorf("%s was answered %s", field, got.body)
	}
	return data, code, true
}

const chaosCreate = `mutation ($avatar: ID!, $key: String!) {
	createSession(input: {avatarId: $avatar, idempotencyKey: $key, metadata: {key: $key, n: 0}}) {
		session { id } accessToken userErrors { code message }
	}
}`

// create makes a session; nil when it was refused or not answered.
func (c *chaos) create(client *program, key string) (made *told, answered bool) {
	data, code, answered := c.ask(client, "createSession", chaosCreate, vars{"avatar": c.avatar, "key": key})
	c.mu.Lock()
	defer c.mu.Unlock()
	if !answered {
		c.unsure[key] = true
		return nil, false
	}
	if code != "" {
		return nil, true
	}
	delete(c.unsure, key)
	made = &told{id: text(data, "session.id"), token: text(data, "accessToken")}
	if known := c.known[key]; known != nil {
		if known.id != made.id {
			c.t.Errorf("key %s made %s and now answers %s", key, known.id, made.id)
		}
		return known, true
	}
	c.known[key] = made
	return made, true
}

// askAgain does what a client does after a crash: it repeats a create that went unanswered. The
// session may still be held by the dead server's lease, and the call refused until that is over.
func (c *chaos) askAgain(client *program) (answered bool) {
	c.mu.Lock()
	key := ""
	for key = range c.unsure {
		break
	}
	delete(c.unsure, key) // nobody else asks too
	c.mu.Unlock()
	if key == "" {
		return true
	}
	made, answered := c.create(client, key)
	if made == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unsure[key] = true
	}
	return answered
}

func (c *chaos) start(client *program, of *told) (answered bool) {
	_, code, answered := c.ask(client, "startSession",
		`mutation ($id: ID!) { startSession(input: {id: $id}) { wsUri userErrors { code message } } }`, vars{"id": of.id})
	c.mu.Lock()
	defer c.mu.Unlock()
	of.started = of.started || answered && code == ""
	return answered
}

func (c *chaos) annotate(client *program, of *told, n int) (answered bool) {
	c.mu.Lock()
	of.tried = n
	c.mu.Unlock()
	_, code, answered := c.ask(client, "updateSessionMetadata",
		`mutation ($id: ID!, $n: Int!) { updateSessionMetadata(input: {id: $id, metadata: {n: $n}}) { session { id } userErrors { code message } } }`,
		vars{"id": of.id, "n": n})
	c.mu.Lock()
	defer c.mu.Unlock()
	if answered && code == "" {
		of.n = n
	}
	return answered
}

func (c *chaos) end(client *program, of *told) (answered bool) {
	c.mu.Lock()
	of.asked = true
	c.mu.Unlock()
	_, code, answered := c.ask(client, "endSession",
		`mutation ($id: ID!) { endSession(input: {id: $id}) { session { status } userErrors { code message } } }`, vars{"id": of.id})
	c.mu.Lock()
	defer c.mu.Unlock()
	of.ended = of.ended || answered && code == ""
	return answered
}

// endOldest makes a place where all are taken: by ending a session, or by finding out about one.
func (c *chaos) endOldest(client *program) (answered bool) {
	c.mu.Lock()
	var oldest *told
	for _, s := range c.known {
		if !s.ended && (oldest == nil || s.id < oldest.id) {
			oldest = s
		}
	}
	c.mu.Unlock()
	if oldest == nil {
		return c.askAgain(client)
	}
	return c.end(client, oldest)
}
