package graph_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"

	"greenroom/auth"
	"greenroom/graph"
	"greenroom/models"
)

// A change costs its telling little for each subscriber: no resolving, no encoding.
func TestAllocationsOfLive(t *testing.T) { // not parallel: it counts what the whole process allocates
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const sockets, each = 8, 25
	w := setup(t)
	row := *w.newSession(w.mine, w.avatar.ID)
	w.config.Admit = func(context.Context, string, string) (*auth.Caller, error) { return w.mine, nil }
	server := httptest.NewServer(graph.New(w.config))
	t.Cleanup(server.Close)
	var wires []net.Conn
	for range sockets {
		wires = append(wires, subscribed(t, server.URL, row.ID, each))
	}
	if err := w.sessions.Shutdown(t.Context()); err != nil { // nothing else happens
		t.Fatal(err)
	}
	buffer := make([]byte, 64<<10)
	// Read past the library, which allocates.
	change := func() {
		after := row
		row.Revision++
		after.Revision = row.Revision
		w.hub.Publish(&models.Change{AccountID: row.AccountID, Before: &row, After: &after})
		for _, wire := range wires {
			for told := 0; told < each; {
				n, err := wire.Read(buffer)
				if err != nil {
					t.Fatal(err)
				}
				told += bytes.Count(buffer[:n], []byte(`"type":"next"`))
			}
		}
	}
	change()
	if got := testing.AllocsPerRun(20, change) / (sockets * each); got > 5 {
		t.Errorf("%.1f allocations a message", got)
	}
}

// subscribed is the connection of a socket with so many subscriptions to a session, each of which has
// been told what it is now.
func subscribed(t *testing.T, url, id string, many int) (wire net.Conn) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		wire, err = new(net.Dialer).DialContext(ctx, network, address)
		return wire, err
	}}
	ws, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
		Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	send := func(text string) {
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	send(`{"type":"connection_init","payload":{"x-api-key":"mine"}}`)
	for i := range many {
		send(fmt.Sprintf(`{"type":"subscribe","id":"%d","payload":{"query":"subscription ($id: ID!) { sessionUpdated(id: $id) { id revision status avatar { name } dailyRoom { url token } } }","variables":{"id":%q}}}`, i, id))
	}
	for range many + 1 { // and the acknowledgement
		if _, _, err := ws.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return wire
}
