package transport

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"go.uber.org/goleak"

	"greenroom/auth"
	"greenroom/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	type Query { name: String! wait: String! panic: String! lines: String! }
	type Mutation { wait: String! name: String! }
	type Subscription { ticks: Int! idle: Int! flood: String! burst: Int! panic: Int! refused: Int! }
`})

// A world is a server whose operations do as the test says, without a network: with synctest,
// its time is the test's.
type world struct {
	t      *testing.T
	server *http.Server
	pipes  *pipes
	client *http.Client
	live   *Live
	// release lets a "wait" go on, tick makes every "ticks" tell its next number.
	release chan struct{}
	tick    chan int
	// running counts operations that have begun and not ended.
	mu      sync.Mutex
	running int
	// board is where subscriptions have sources; nil where they have none.
	board *board
	// revoke ends what is kept.
	revoke context.CancelCauseFunc
}

const (
	goodKey = "gr_live_right"
	// goodToken is one of a session of the same account.
	goodToken = "gr_sess_right"
)

// setup runs a server until the test ends, for requests that carry a credential or do not.
func setup(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, pipes: &pipes{conns: make(chan net.Conn), done: make(chan struct{})}, live: NewLive(DefaultLimits), release: make(chan struct{}), tick: make(chan int)}
	valid, revoke := context.WithCancelCause(context.Background())
	w.revoke = revoke
	keep := func(ctx context.Context, _ string) (context.Context, func()) {
		ctx, end := context.WithCancelCause(ctx)
		stop := context.AfterFunc(valid, func() { end(context.Cause(valid)) })
		return ctx, func() { stop(); end(nil) }
	}
	graph := handler.New(&graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 0, false },
		ExecFunc:       w.exec,
	})
	graph.SetRecoverFunc(func(context.Context, any) error { return errors.New("internal error") })
	graph.AddTransport(WebSocket{Live: w.live, Origins: []string{"https://app.example"}, Admit: admit, Keep: keep, Subscribe: w.subscribeBoard})
	graph.AddTransport(HTTP{MaxBody: 128 << 10, Live: w.live, Keep: keep})
	w.server = &http.Server{Handler: signedIn(graph), ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = w.server.Serve(w.pipes) })
	w.client = &http.Client{Transport: &http.Transport{DialContext: w.pipes.dial}}
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		_ = w.drain(time.Minute)
		_ = w.server.Close()
		serving.Wait()
		revoke(nil)
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time, in which net/http hangs up
	})
	return w
}

// signedIn puts whose credential a request has into its context, and refuses none.
func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if caller, err := admit(r.Context(), "", r.Header.Get("X-Api-Key")); err == nil {
			r = r.WithContext(auth.WithCaller(r.Context(), caller))
		}
		next.ServeHTTP(rw, r)
	})
}

func admit(_ context.Context, _, secret string) (*auth.Caller, error) {
	switch secret {
	case goodKey:
		return &auth.Caller{Kind: auth.APIKey, AccountID: "acct_1"}, nil
	case goodToken:
		return &auth.Caller{Kind: auth.AccessToken, AccountID: "acct_1", SessionID: "sess_1"}, nil
	case "gr_live_other":
		return &auth.Caller{Kind: auth.APIKey, AccountID: "acct_2"}, nil
	case "gr_live_unknowable":
		return nil, fmt.Errorf("%w: %w", models.Unavailable("nobody knows", time.Second), errors.New("connection refused"))
	case "gr_live_guessed_too_often":
		return nil, &models.Error{Kind: models.KindRateLimited, Message: "too many wrong credentials from this address"}
	default:
		return nil, models.ErrUnauthenticated
	}
}

// exec is what the schema does.
func (w *world) exec(ctx context.Context) graphql.ResponseHandler {
	w.count(1)
	context.AfterFunc(ctx, func() { w.count(-1) })
	n, field := 0, graphql.GetOperationContext(ctx).Operation.SelectionSet[0].(*ast.Field).Name //nolint:errcheck // the tests' own
	return func(context.Context) *graphql.Response {
		n++
		switch field {
		case "ticks":
			select {
			case i := <-w.tick:
				return &graphql.Response{Data: fmt.Appendf(nil, `{"ticks":%d}`, i)}
			case <-ctx.Done():
				return nil
			}
		case "idle":
			<-ctx.Done()
			return nil
		case "flood":
			return &graphql.Response{Data: fmt.Appendf(nil, `{"flood":%q}`, strings.Repeat("x", 64<<10))}
		case "burst":
			if n > 100 {
				return nil
			}
			return &graphql.Response{Data: fmt.Appendf(nil, `{"burst":%d}`, n)}
		case "panic":
			panic("on the way")
		}
		if n > 1 {
			return nil
		}
		switch field {
		case "wait":
			select {
			case <-w.release:
			case <-ctx.Done():
				return nil
			}
		case "lines":
			return &graphql.Response{Data: []byte("{\n\"lines\":\r\n\"a\\nb\"}")}
		case "refused":
			return graphql.ErrorResponse(ctx, "no such thing")
		}
		return &graphql.Response{Data: fmt.Appendf(nil, `{%q:"test"}`, field)}
	}
}

func (w *world) subscribeBoard(ctx context.Context, op *graphql.OperationContext, wake func()) Source {
	if w.board == nil {
		return nil
	}
	return w.board.subscribe(ctx, op, wake)
}

func (w *world) count(by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running += by
}

func (w *world) busy() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	// onWrite is called before the server writes; nil is for nothing.
	onWrite func(b []byte)
}

// A heard is a server's end of a pipe.
type heard struct {
	net.Conn
	of *pipes
}

// Write writes.
func (h heard) Write(b []byte) (int, error) {
	if h.of.onWrite != nil {
		h.of.onWrite(b)
	}
	return h.Conn.Write(b)
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- heard{server, p}:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// A dialog is a client's side of a socket, read all the time unless it is deaf.
type dialog struct {
	t      *testing.T
	ws     *websocket.Conn
	frames chan string
	// over is why there are no more frames, once the channel is closed.
	over error
}

// dial opens a socket without saying anything.
func (w *world) dial(header ...string) *dialog {
	w.t.Helper()
	d, got, err := w.tryDial(header...)
	if err != nil {
		w.t.Fatalf("dial: %v, %+v", err, got)
	}
	go d.listen()
	return d
}

func (d *dialog) listen() {
	defer close(d.frames)
	for {
		_, frame, err := d.ws.Read(context.Background())
		if err != nil {
			d.over = err
			return
		}
		d.frames <- string(frame)
	}
}

func (w *world) tryDial(header ...string) (*dialog, *answer, error) {
	protocols, h := []string{subprotocol}, http.Header{}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Sec-Websocket-Protocol" {
			protocols = []string{header[i+1]}
			continue
		}
		h.Set(header[i], header[i+1])
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, "ws://greenroom.example/graphql", //nolint:bodyclose // Dial closes it
		&websocket.DialOptions{HTTPClient: w.client, HTTPHeader: h, Subprotocols: protocols})
	if err != nil {
		return nil, &answer{status: response.StatusCode, header: response.Header}, err
	}
	ws.SetReadLimit(1 << 20)
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return &dialog{t: w.t, ws: ws, frames: make(chan string, 2000)}, nil, nil
}

// connect opens a socket that may run operations.
func (w *world) connect() *dialog {
	w.t.Helper()
	return w.connectAs(goodKey)
}

func (w *world) connectAs(secret string) *dialog {
	w.t.Helper()
	d := w.dial()
	d.init(secret)
	d.hears(`{"type":"connection_ack"}`)
	return d
}

// init says who it is.
func (d *dialog) init(secret string) {
	d.t.Helper()
	d.say(`{"type":"connection_init","payload":{"authorization":"Bearer ` + secret + `"}}`)
}

func (d *dialog) say(frame string) {
	d.t.Helper()
	if err := d.ws.Write(context.Background(), websocket.MessageText, []byte(frame)); err != nil {
		d.t.Fatalf("say %s: %v", frame, err)
	}
}

// subscribe begins an operation.
func (d *dialog) subscribe(id, query string) {
	d.t.Helper()
	payload, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]string{"query": query}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.say(string(payload))
}

func (d *dialog) next() string {
	d.t.Helper()
	frame, ok := <-d.frames
	if !ok {
		d.t.Fatalf("closed: %v", d.over)
	}
	return frame
}

func (d *dialog) hears(frames ...string) {
	d.t.Helper()
	for _, want := range frames {
		if got := d.next(); got != want {
			d.t.Fatalf("heard %s, want %s", got, want)
		}
	}
}

// closes waits for the close frame; what comes before it is dropped.
func (d *dialog) closes(code websocket.StatusCode, reason string) {
	d.t.Helper()
	for range d.frames { //nolint:revive // dropped
	}
	if websocket.CloseStatus(d.over) != code || !strings.Contains(d.over.Error(), reason) {
		d.t.Errorf("closed with %v, want %d %s", d.over, code, reason)
	}
}

// closesAtOnce is closes with nothing said before.
func (d *dialog) closesAtOnce(code websocket.StatusCode, reason string) {
	d.t.Helper()
	if frame, ok := <-d.frames; ok {
		d.t.Errorf("heard %s", frame)
	}
	d.closes(code, reason)
}

// deaf is a client that may run operations, and reads nothing any more.
func (w *world) deaf() *dialog {
	w.t.Helper()
	d, _, err := w.tryDial()
	if err != nil {
		w.t.Fatal(err)
	}
	d.say(sleepy)
	if _, frame, err := d.ws.Read(context.Background()); err != nil {
		w.t.Fatalf("heard %s, %v", frame, err)
	}
	return d
}

// inBubble runs a test whose time is its own.
func inBubble(t *testing.T, name string, test func(w *world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(setup(t)) })
	})
}

// An answer is what a request was answered.
type answer struct {
	status int
	header http.Header
	body   io.ReadCloser
}

// An eventReader is a client's side of an event stream, read all the time.
type eventReader struct {
	t    *testing.T
	body io.Closer
	all  chan [2]string
}

func reader(t *testing.T, a *answer) *eventReader {
	t.Helper()
	e := &eventReader{t: t, body: a.body, all: make(chan [2]string, 1000)}
	go func() {
		defer close(e.all)
		var name, data string
		for lines := bufio.NewScanner(a.body); lines.Scan(); {
			switch field, value, _ := strings.Cut(lines.Text(), ":"); {
			case field == "" && name != "":
				e.all <- [2]string{name, data}
				name, data = "", ""
			case field == "event":
				name = strings.TrimPrefix(value, " ")
			case field == "data":
				data += strings.TrimPrefix(value, " ")
			}
		}
	}()
	return e
}

// event is the next one's name and data; comments are passed over. Both are empty at the end.
func (e *eventReader) event() (name, data string) {
	got := <-e.all
	return got[0], got[1]
}
