package transport

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// few is a world whose limits are reached soon.
func few(t *testing.T, name string, test func(w *world)) {
	t.Helper()
	inBubble(t, name, func(w *world) {
		w.live.limits = Limits{Account: Share{Sockets: 4, Operations: 6}, Session: Share{Sockets: 2, Operations: 3}}
		test(w)
		// Whatever was held or refused, nothing is held in the end.
		w.client.CloseIdleConnections()
		_ = w.drain(time.Minute)
		synctest.Wait()
		if len(w.live.held) > 0 {
			w.t.Errorf("%v is held by nobody", w.live.held)
		}
	})
}

// isFull hears that an operation is refused because of a limit.
func (d *dialog) isFull(id, reason string) {
	d.t.Helper()
	var got struct {
		ID, Type string
		Payload  []struct{ Message string }
	}
	frame := d.next()
	if err := json.Unmarshal([]byte(frame), &got); err != nil || got.ID != id || got.Type != typeError ||
		len(got.Payload) != 1 || !strings.Contains(got.Payload[0].Message, reason) {
		d.t.Errorf("heard %s", frame)
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	few(t, "AreOfSocketsOfAnAccount", func(w *world) {
		events := w.events("subscription { idle }", "X-Api-Key", goodKey)
		first := w.connect()
		w.connect()
		w.connect()
		refused := w.dial()
		refused.init(goodKey)
		refused.closesAtOnce(4429, "too many sockets and event streams of this account are open")
		token := w.dial()
		token.init(goodToken) // its account has no more, whatever its session has
		token.closesAtOnce(4429, "of this account")
		w.connectAs("gr_live_other")

		got := w.events("subscription { idle }", "X-Api-Key", goodKey)
		body, err := io.ReadAll(got.body)
		if err != nil || got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "5" || !strings.Contains(string(body), "too many sockets") {
			w.t.Errorf("answered %d %v %s", got.status, got.header, body)
		}
		if got := w.events("{ name }", "X-Api-Key", goodKey); got.status != http.StatusOK {
			w.t.Errorf("a query was answered %d", got.status)
		}

		_ = first.ws.Close(websocket.StatusNormalClosure, "")
		synctest.Wait()
		w.connect()
		_ = events.body.Close()
		synctest.Wait()
		reader(w.t, w.events("subscription { burst }", "X-Api-Key", goodKey)).hears("next", `{"data":{"burst":1}}`)
	})
	few(t, "AreOfSocketsOfASession", func(w *world) {
		w.connectAs(goodToken)
		events := w.events("subscription { idle }", "X-Api-Key", goodToken)
		refused := w.dial()
		refused.init(goodToken)
		refused.closesAtOnce(4429, "too many sockets and event streams of this session are open")
		if got := w.events("subscription { idle }", "X-Api-Key", goodToken); got.status != http.StatusTooManyRequests {
			w.t.Errorf("answered %d", got.status)
		}
		w.connect() // its account's key has its own
		_ = events.body.Close()
		synctest.Wait()
		w.connectAs(goodToken)
	})
	few(t, "AreOfOperationsOfAnAccount", func(w *world) {
		one, other := w.connect(), w.connect()
		for i := range 3 {
			one.subscribe(fmt.Sprint(i), "subscription { idle }")
			other.subscribe(fmt.Sprint(i), "{ wait }")
		}
		synctest.Wait()
		one.subscribe("more", "{ name }")
		one.isFull("more", "too many operations of this account are running")
		if got := w.events("subscription { idle }", "X-Api-Key", goodKey); got.status != http.StatusTooManyRequests {
			w.t.Errorf("answered %d", got.status)
		}
		stranger := w.connectAs("gr_live_other")
		stranger.subscribe("1", "{ name }")
		stranger.hears(answered, `{"id":"1","type":"complete"}`)

		w.release <- struct{}{} // one answer, of whichever
		other.next()
		other.next()
		synctest.Wait()
		one.subscribe("more", "{ name }")
		one.hears(`{"id":"more","type":"next","payload":{"data":{"name":"test"}}}`, `{"id":"more","type":"complete"}`)
		one.say(`{"id":"0","type":"complete"}`)
		synctest.Wait()
		for range 2 { // a place for one, again and again
			other.subscribe("again", "{ name }")
			other.hears(`{"id":"again","type":"next","payload":{"data":{"name":"test"}}}`, `{"id":"again","type":"complete"}`)
			synctest.Wait()
		}
	})
	few(t, "AreOfOperationsOfASession", func(w *world) {
		one, other := w.connectAs(goodToken), w.connectAs(goodToken)
		one.subscribe("1", "subscription { idle }")
		one.subscribe("2", "subscription { idle }")
		other.subscribe("3", "subscription { idle }")
		synctest.Wait()
		other.subscribe("4", "subscription { idle }")
		other.isFull("4", "too many operations of this session are running")
		owner := w.connect()
		owner.subscribe("1", "{ name }")
		owner.hears(answered, `{"id":"1","type":"complete"}`)
		_ = one.ws.Close(websocket.StatusNormalClosure, "") // and its operations with it
		synctest.Wait()
		other.subscribe("4", "{ name }")
		other.hears(`{"id":"4","type":"next","payload":{"data":{"name":"test"}}}`, `{"id":"4","type":"complete"}`)
	})
}
