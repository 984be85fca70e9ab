package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

// A socket is a client's side of a WebSocket to /graphql.
type socket struct {
	t  *testing.T
	ws *websocket.Conn
}

// dial opens a socket without saying anything. Headers are names and values in turn.
func (s *site) dial(header ...string) *socket {
	s.t.Helper()
	c, got, err := s.tryDial(header...)
	if err != nil {
		s.t.Fatalf("dial: %v, %+v", err, got)
	}
	return c
}

func (s *site) tryDial(header ...string) (*socket, *reply, error) {
	h := http.Header{}
	options := &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{"graphql-transport-ws"}}
	for i := 0; i < len(header); i += 2 {
		switch header[i] {
		case "Host":
			options.Host = header[i+1]
		case "Sec-WebSocket-Protocol":
			options.Subprotocols = []string{header[i+1]}
		default:
			h.Set(header[i], header[i+1])
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.url, "http")+"/graphql", options) //nolint:bodyclose // Dial closes it
	got := &reply{}
	if response != nil {
		got.status, got.header = response.StatusCode, response.Header
	}
	if err != nil {
		return nil, got, err
	}
	ws.SetReadLimit(1 << 20)
	s.t.Cleanup(func() { _ = ws.CloseNow() })
	return &socket{s.t, ws}, got, nil
}

// connect opens a socket with a credential, which comes in its first message.
func (s *site) connect(credential string) *socket {
	s.t.Helper()
	c := s.dial()
	c.init(credential)
	if got := c.hear(); got["type"] != "connection_ack" {
		s.t.Fatalf("heard %v", got)
	}
	return c
}

func (c *socket) init(credential string) {
	c.t.Helper()
	c.say(vars{"type": "connection_init", "payload": vars{"Authorization": "Bearer " + credential}})
}

func (c *socket) say(message vars) {
	c.t.Helper()
	text, err := json.Marshal(message)
	if err != nil {
		c.t.Fatal(err)
	}
	c.sayText(string(text))
}

// sayText says what may be no message. The socket may be closing: what is heard then tells.
func (c *socket) sayText(frame string) {
	_ = c.ws.Write(context.Background(), websocket.MessageText, []byte(frame))
}

func (c *socket) subscribe(id, query string, variables vars) {
	c.t.Helper()
	c.say(vars{"id": id, "type": "subscribe", "payload": vars{"query": query, "variables": variables}})
}

// hear waits for the next message.
func (c *socket) hear() map[string]any {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, frame, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	var message map[string]any
	if err := json.Unmarshal(frame, &message); err != nil {
		c.t.Fatalf("heard %s: %v", frame, err)
	}
	return message
}

// ask runs a query or mutation to its end.
func (c *socket) ask(id, query string, variables vars) map[string]any {
	c.t.Helper()
	c.subscribe(id, query, variables)
	got := c.hear()
	if end := c.hear(); got["id"] != id || got["type"] != "next" || end["id"] != id || end["type"] != "complete" {
		c.t.Fatalf("%s: heard %v and %v", query, got, end)
	}
	return got
}

// closes waits for the close frame, whatever is heard before it, and gives its reason.
func (c *socket) closes(code websocket.StatusCode) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		_, _, err := c.ws.Read(ctx)
		if err == nil {
			continue
		}
		frame, _ := errors.AsType[websocket.CloseError](err)
		if frame.Code != code {
			c.t.Errorf("closed with %v, want %d", err, code)
		}
		return frame.Reason
	}
}

const watchSession = `subscription ($id: ID!) { sessionUpdated(id: $id) { id revision status endReason } }`

func TestWebSocket(t *testing.T) {
	t.Parallel()
	s := serve(t, "--allowed-origins=https://app.example.com")
	t.Run("AnswersQueriesAndMutations", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		c := s.connect(s.key)
		if got := c.ask("1", `{ viewer { kind } }`, nil); text(got, "payload.data.viewer.kind") != "API_KEY" {
			t.Errorf("heard %v", got)
		}
		got := c.ask("1", `mutation ($n: String!) { createAvatar(input: {name: $n, url: "https://x.example/a.png"}) { avatar { name } userErrors { code } } }`, vars{"n": "by socket 😀"})
		if text(got, "payload.data.createAvatar.avatar.name") != "by socket 😀" {
			t.Errorf("heard %v", got)
		}
		if got := c.ask("1", `{ sessions(first: 0) { totalCount } }`, nil); text(got, "payload.errors.0.extensions.code") != "INVALID_INPUT" {
			t.Errorf("heard %v", got)
		}
		c.subscribe("1", `{ nothing }`, nil)
		if got := c.hear(); got["type"] != "error" || text(got, "payload.0.extensions.code") != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("heard %v", got)
		}
		c.subscribe("1", "{"+strings.Repeat(" serverTime", 2_000)+"}", nil)
		if got := c.hear(); got["type"] != "error" || text(got, "payload.0.extensions.code") != "QUERY_TOO_EXPENSIVE" {
			t.Errorf("heard %v", got)
		}
	})
	t.Run("TellsOfASessionUntilItsEnd", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		of := s.create(nil)
		phone, backEnd := s.connect(of.token), s.connect(s.key)
		for _, c := range []*socket{phone, backEnd} {
			c.subscribe("watch", watchSession, vars{"id": of.id})
			if got := c.hear(); got["type"] != "next" || text(got, "payload.data.sessionUpdated.status") != "CREATED" {
				t.Errorf("heard %v", got)
			}
		}
		backEnd.subscribe("end", `mutation ($id: ID!) { endSession(input: {id: $id}) { userErrors { code } } }`, vars{"id": of.id})
		for _, c := range []*socket{phone, backEnd} {
			last := map[string]any{}
			for got := c.hear(); got["id"] != "watch" || got["type"] != "complete"; got = c.hear() {
				if got["id"] == "watch" {
					last = got
				}
			}
			if text(last, "payload.data.sessionUpdated.endReason") != "CLIENT_ENDED" {
				t.Errorf("heard %v last", last)
			}
		}
		other := s.create(nil)
		phone = s.connect(of.token)
		phone.subscribe("other", watchSession, vars{"id": other.id})
		if got := phone.hear(); got["type"] != "next" || text(got, "payload.errors.0.extensions.code") != "NOT_FOUND" {
			t.Errorf("heard %v", got)
		}
	})
	t.Run("TakesTheHandshakesCredential", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		for _, header := range [][]string{{"Authorization", "Bearer " + s.key}, {"X-Api-Key", s.key}} {
			for _, payload := range []vars{nil, {"x-API-key": s.key}} {
				c := s.dial(header...)
				c.say(vars{"type": "connection_init", "payload": payload})
				if got := c.hear(); got["type"] != "connection_ack" {
					t.Errorf("heard %v", got)
				}
				if got := c.ask("1", `{ viewer { kind } }`, nil); text(got, "payload.data.viewer.kind") != "API_KEY" {
					t.Errorf("heard %v", got)
				}
			}
		}
		of := s.create(nil)
		c := s.dial("X-Api-Key", s.key)
		c.init(of.token)
		c.closes(4403)
		if _, got, err := s.tryDial("X-Api-Key", "gr_live_wrong"); err == nil || got.status != http.StatusUnauthorized {
			t.Errorf("a wrong one was answered %+v", got)
		}
	})
	for name, c := range map[string]struct {
		says  []string
		fresh bool
		code  websocket.StatusCode
	}{
		"Closes4400OnABadFrame":             {[]string{`{"type": "subscribe"`}, false, 4400},
		"Closes4401BeforeInit":              {[]string{`{"id":"1","type":"subscribe","payload":{"query":"{ serverTime }"}}`}, true, 4401},
		"Closes4403WithoutACredential":      {[]string{`{"type":"connection_init","payload":{}}`}, true, 4403},
		"Closes4408WithoutInit":             {nil, true, 4408},
		"Closes4409OnADuplicateID":          {[]string{`{"id":"a","type":"subscribe","payload":{"query":"subscription { accountUpdated { id } }"}}`, `{"id":"a","type":"subscribe","payload":{"query":"{ serverTime }"}}`}, false, 4409},
		"Closes4429OnASecondInit":           {[]string{`{"type":"connection_init"}`}, false, 4429},
		"Closes1009OnAMessageThatIsTooLong": {[]string{`{"type":"ping","payload":{"a":"` + strings.Repeat("x", 256<<10) + `"}}`}, false, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			socket := s.dial()
			if !c.fresh {
				socket = s.connect(s.key)
			}
			for _, frame := range c.says {
				socket.sayText(frame)
			}
			socket.closes(c.code)
			s.must(s.key, `{ serverTime }`, nil)
		})
	}
	t.Run("Closes4406OnAnotherSubprotocol", func(t *testing.T) {
		t.Parallel()
		s.in(t).dial("Sec-WebSocket-Protocol", "graphql-ws").closes(4406)
	})
	t.Run("RefusesPagesOfOtherOrigins", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		for _, origin := range []string{"https://app.example.com", s.url} {
			if _, got, err := s.tryDial("Origin", origin); err != nil {
				t.Errorf("%s was answered %v", origin, got)
			}
		}
		for _, origin := range []string{
			"null", "https://evil.example", "https://app.example.com.evil.example", "https://evilapp.example.com", "http://app.example.com",
			"https://app.example.com:8443", s.url + "1", s.url + ".evil.example",
		} {
			if _, got, err := s.tryDial("Origin", origin, "X-Api-Key", s.key); err == nil || got.status != http.StatusForbidden {
				t.Errorf("%s was answered %v", origin, got)
			}
		}
		if _, got, err := s.tryDial("Host", "evil.example"); err == nil || got.status != http.StatusMisdirectedRequest {
			t.Errorf("another host was answered %v", got)
		}
	})
	t.Run("IsLoggedWithoutItsSecret", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		c, got, err := s.tryDial()
		if err != nil {
			t.Fatal(err)
		}
		of := s.create(nil)
		c.init(of.token)
		c.hear()
		c.subscribe("1", watchSession, vars{"id": of.id})
		c.hear()
		_ = c.ws.Close(websocket.StatusNormalClosure, "")
		line := s.logged(got.header.Get("X-Request-Id"))
		if line["status"] != 101.0 || line["session"] != of.id || line["credential"] != "ACCESS_TOKEN" {
			t.Errorf("logged %v", line)
		}
		if strings.Contains(s.logs.String(), of.token) {
			t.Error("the log has the token")
		}
	})
}

// TestOpenCredentials revokes what sockets and event streams were opened with.
func TestOpenCredentials(t *testing.T) {
	t.Parallel()
	p := build(t, sqlite(t))
	s := p.serve()
	of, kept := s.create(nil), s.create(nil)
	byKey, byToken, other := s.connect(p.key), s.connect(of.token), s.connect(kept.token)
	for c, id := range map[*socket]string{byKey: of.id, byToken: of.id, other: kept.id} {
		c.subscribe("1", watchSession, vars{"id": id})
		c.hear()
	}
	told := s.events(p.key, watchSession, vars{"id": kept.id})
	told.hears(t, "next", `"CREATED"`)
	s.must(p.key, `mutation ($id: ID!) { rotateAccessToken(input: {id: $id}) { userErrors { code } } }`, vars{"id": of.id})
	p.do("key", "revoke", p.keyID)
	began := time.Now()
	byKey.closes(4403)
	byToken.closes(4403)
	told.hears(t, "next", `"UNAUTHENTICATED"`)
	told.hears(t, "complete", "")
	// How soon depends on this machine; the bound is proved with a clock, in auth.
	t.Logf("closed after %s", time.Since(began))
	if got := other.ask("2", `{ viewer { kind } }`, nil); text(got, "payload.data.viewer.kind") != "ACCESS_TOKEN" {
		t.Errorf("a socket of another credential hears %v", got)
	}
}

// TestGuessesBySocket counts with those by HTTP.
func TestGuessesBySocket(t *testing.T) {
	t.Parallel()
	s := serve(t, "--failed-logins=3/24h")
	for range 3 {
		c := s.dial()
		c.init("gr_live_wrong")
		if reason := c.closes(4403); strings.Contains(reason, "too many") {
			t.Errorf("closed with %s", reason)
		}
	}
	c := s.dial()
	c.init("gr_live_wrong")
	if reason := c.closes(4403); !strings.Contains(reason, "too many") {
		t.Errorf("closed with %s", reason)
	}
	if got := s.ask("gr_live_wrong", `{ serverTime }`, nil); got.status != http.StatusTooManyRequests {
		t.Errorf("by HTTP it was answered %d %s", got.status, got.body)
	}
	s.connect(s.key)
}

// TestDrainSockets stops a server that has sockets and event streams open.
func TestDrainSockets(t *testing.T) {
	t.Parallel()
	s := serve(t)
	of := s.create(nil)
	idle, watching, fresh := s.connect(s.key), s.connect(of.token), s.dial()
	watching.subscribe("1", watchSession, vars{"id": of.id})
	watching.hear()
	e := s.events(s.key, watchSession, vars{"id": of.id})
	e.hears(t, "next", `"CREATED"`)
	var reading sync.WaitGroup
	for _, c := range []*socket{idle, watching, fresh} {
		reading.Go(func() {
			_, frame, err := c.ws.Read(context.Background())
			if websocket.CloseStatus(err) != websocket.StatusServiceRestart {
				t.Errorf("heard %s, %v", frame, err)
			}
		})
	}
	reading.Go(func() { e.hears(t, "", "") })
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > drainWithin {
		t.Errorf("draining took %s", took)
	}
	reading.Wait()
}

// stacks are those of all goroutines.
func stacks() string {
	all := make([]byte, 16<<20)
	return string(all[:runtime.Stack(all, true)])
}

// TestSubscribersLeaveNothing is not parallel: it looks at all goroutines of the process.
func TestSubscribersLeaveNothing(t *testing.T) {
	const subscribers = 500
	s := serve(t)
	of := s.create(nil)
	cycle := func(end func(n int, c *socket)) {
		var all []*socket
		for n := range subscribers {
			c := s.dial("X-Api-Key", s.key)
			c.say(vars{"type": "connection_init"})
			c.hear()
			c.subscribe("1", watchSession, vars{"id": of.id})
			c.subscribe("2", `subscription { accountUpdated { id } }`, nil)
			c.hear()
			c.hear()
			if n%4 == 0 {
				c.subscribe("3", `subscription { sessionChanges { reset } }`, nil)
			}
			all = append(all, c)
		}
		for n, c := range all {
			end(n, c)
		}
	}
	cycle(func(_ int, c *socket) { _ = c.ws.CloseNow() }) // pools and caches have filled now
	s.client.CloseIdleConnections()
	clean := func(before goleak.Option) error {
		return goleak.Find(before, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
	}
	var before goleak.Option
	until(t, "the first cycle is over", func() bool {
		before = goleak.IgnoreCurrent()
		return !strings.Contains(stacks(), "transport.(*socket)")
	})
	cycle(func(n int, c *socket) {
		switch n % 3 {
		case 0:
			c.say(vars{"type": "complete", "id": "1"})
			c.say(vars{"type": "complete", "id": "2"})
			c.subscribe("1", `{ serverTime }`, nil)
			for c.hear()["type"] != "complete" { //nolint:revive // what is on its way comes first
			}
			_ = c.ws.Close(websocket.StatusNormalClosure, "")
		case 1:
			_ = c.ws.CloseNow()
		default:
			c.sayText("nonsense")
			c.closes(4400)
		}
	})
	s.client.CloseIdleConnections()
	var left error
	until(t, fmt.Sprintf("nothing is left of %d subscribers", subscribers), func() bool {
		left = clean(before)
		return left == nil
	})
}
