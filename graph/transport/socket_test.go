package transport

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"greenroom/models"
)

const (
	sleepy   = `{"type":"connection_init","payload":{"x-api-key":"` + goodKey + `"}}`
	answered = `{"id":"1","type":"next","payload":{"data":{"name":"test"}}}`
)

func TestSocketCloses(t *testing.T) {
	t.Parallel()
	deep := `{"id":"1","type":"subscribe","payload":{"query":"{ name }","variables":{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}}}`
	for name, c := range map[string]struct {
		// says is what a client says whose socket is open, and initialised unless it is fresh.
		says   []string
		fresh  bool
		code   websocket.StatusCode
		reason string
	}{
		"OnNoJSON":                      {[]string{`nonsense`}, false, 4400, "JSON"},
		"OnHalfJSON":                    {[]string{`{"type":"ping"`}, false, 4400, "JSON"},
		"OnTwoMessages":                 {[]string{`{"type":"ping"}{"type":"ping"}`}, false, 4400, "JSON"},
		"OnAList":                       {[]string{`[{"type":"ping"}]`}, false, 4400, "JSON object"},
		"OnNull":                        {[]string{`null`}, false, 4400, "JSON object"},
		"OnNothing":                     {[]string{``}, false, 4400, "JSON object"},
		"OnNestingWithoutEnd":           {[]string{deep}, false, 4400, "JSON object"},
		"OnBrokenUTF8":                  {[]string{"{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}"}, false, 4400, "UTF-8"},
		"OnNoType":                      {[]string{`{"id":"1"}`}, false, 4400, "`type`"},
		"OnATypeThatIsANumber":          {[]string{`{"type":1}`}, false, 4400, "`type`"},
		"OnAnUnknownType":               {[]string{`{"type":"start"}`}, false, 4400, "`type`"},
		"OnATypeInCapitals":             {[]string{`{"type":"PING"}`}, false, 4400, "`type`"},
		"OnTheServersType":              {[]string{`{"type":"next","id":"1","payload":{}}`}, false, 4400, "`type`"},
		"OnAMissingID":                  {[]string{`{"type":"subscribe","payload":{"query":"{ name }"}}`}, false, 4400, "`id`"},
		"OnAnEmptyID":                   {[]string{`{"type":"subscribe","id":"","payload":{"query":"{ name }"}}`}, false, 4400, "`id`"},
		"OnAnIDThatIsANumber":           {[]string{`{"type":"subscribe","id":1,"payload":{"query":"{ name }"}}`}, false, 4400, "`id`"},
		"OnAnIDWithHalfACharacter":      {[]string{`{"type":"subscribe","id":"\ud800","payload":{"query":"{ name }"}}`}, false, 4400, "`id`"},
		"OnACompleteWithoutID":          {[]string{`{"type":"complete"}`}, false, 4400, "`id`"},
		"OnAMissingPayload":             {[]string{`{"type":"subscribe","id":"1"}`}, false, 4400, "`payload`"},
		"OnAPayloadThatIsText":          {[]string{`{"type":"subscribe","id":"1","payload":"{ name }"}`}, false, 4400, "`payload`"},
		"OnAMissingQuery":               {[]string{`{"type":"subscribe","id":"1","payload":{}}`}, false, 4400, "`query`"},
		"OnAQueryThatIsAList":           {[]string{`{"type":"subscribe","id":"1","payload":{"query":[]}}`}, false, 4400, "`query`"},
		"OnVariablesThatAreText":        {[]string{`{"type":"subscribe","id":"1","payload":{"query":"{ name }","variables":"{}"}}`}, false, 4400, "`variables`"},
		"OnExtensionsThatAreAList":      {[]string{`{"type":"subscribe","id":"1","payload":{"query":"{ name }","extensions":[]}}`}, false, 4400, "`extensions`"},
		"OnAnOperationNameOfANumber":    {[]string{`{"type":"subscribe","id":"1","payload":{"query":"{ name }","operationName":1}}`}, false, 4400, "`operationName`"},
		"OnAPingWithAList":              {[]string{`{"type":"ping","payload":[]}`}, false, 4400, "`payload`"},
		"OnAnInitWithAList":             {[]string{`{"type":"connection_init","payload":["` + goodKey + `"]}`}, true, 4400, "`payload`"},
		"OnAnInitWithText":              {[]string{`{"type":"connection_init","payload":"` + goodKey + `"}`}, true, 4400, "`payload`"},
		"OnACredentialThatIsANumber":    {[]string{`{"type":"connection_init","payload":{"x-api-key":1}}`}, true, 4400, "credential"},
		"OnAnOperationBeforeInit":       {[]string{`{"type":"subscribe","id":"1","payload":{"query":"{ name }"}}`}, true, 4401, "Unauthorized"},
		"OnNoCredential":                {[]string{`{"type":"connection_init"}`}, true, 4403, "credential"},
		"OnANullCredential":             {[]string{`{"type":"connection_init","payload":{"authorization":null}}`}, true, 4403, "credential"},
		"OnAWrongCredential":            {[]string{`{"type":"connection_init","payload":{"authorization":"Bearer wrong"}}`}, true, 4403, "credential"},
		"OnAnotherScheme":               {[]string{`{"type":"connection_init","payload":{"authorization":"Basic ` + goodKey + `"}}`}, true, 4403, "credential"},
		"OnTwoCredentials":              {[]string{`{"type":"connection_init","payload":{"authorization":"Bearer ` + goodKey + `","X-API-Key":"other"}}`}, true, 4403, "credential"},
		"OnTwoSpellingsThatDiffer":      {[]string{`{"type":"connection_init","payload":{"x-api-key":"` + goodKey + `","X-Api-Key":"other"}}`}, true, 4403, "credential"},
		"OnTooManyGuesses":              {[]string{`{"type":"connection_init","payload":{"x-api-key":"gr_live_guessed_too_often"}}`}, true, 4403, "too many"},
		"ToBeAskedAgainWhenNobodyKnows": {[]string{`{"type":"connection_init","payload":{"x-api-key":"gr_live_unknowable"}}`}, true, 1013, "right now"},
		"OnADuplicateID":                {[]string{`{"type":"subscribe","id":"a","payload":{"query":"subscription { idle }"}}`, `{"type":"subscribe","id":"a","payload":{"query":"{ name }"}}`}, false, 4409, "Subscriber for a already exists"},
		"OnASecondInit":                 {[]string{sleepy}, false, 4429, "Too many"},
		"OnAMessageThatIsTooBig":        {[]string{`{"type":"ping","payload":{"a":"` + strings.Repeat("x", maxFrame) + `"}}`}, false, 1009, ""},
	} {
		inBubble(t, name, func(w *world) {
			d := w.dial()
			if !c.fresh {
				d.say(sleepy)
				d.hears(`{"type":"connection_ack"}`)
			}
			for _, frame := range c.says {
				d.trySay(frame)
			}
			d.closes(c.code, c.reason)
			synctest.Wait()
			if w.busy() != 0 {
				w.t.Errorf("%d operations go on", w.busy())
			}
			other := w.connect()
			other.subscribe("1", "{ name }")
			other.hears(answered, `{"id":"1","type":"complete"}`)
		})
	}
	inBubble(t, "OnABinaryFrame", func(w *world) {
		d := w.connect()
		_ = d.ws.Write(context.Background(), websocket.MessageBinary, []byte{0, 1, 2, 255})
		d.closes(4400, "text")
	})
	inBubble(t, "WithoutInit", func(w *world) {
		began := time.Now()
		w.dial().closes(4408, "initialisation timeout")
		if took := time.Since(began); took != 3*time.Second {
			w.t.Errorf("after %s", took)
		}
	})
	inBubble(t, "OnAnotherSubprotocol", func(w *world) {
		w.dial("Sec-Websocket-Protocol", "graphql-ws").closes(4406, "Subprotocol not acceptable")
	})
	inBubble(t, "WhenTheCredentialIsRevoked", func(w *world) {
		d := w.connect()
		d.subscribe("1", "subscription { idle }")
		d.subscribe("2", "{ wait }")
		synctest.Wait()
		w.revoke(models.ErrUnauthenticated)
		d.closesAtOnce(4403, "not valid any more")
		synctest.Wait()
		if w.busy() != 0 {
			w.t.Errorf("%d operations go on", w.busy())
		}
	})
}

// trySay is say for a socket that may be closing.
func (d *dialog) trySay(frame string) {
	_ = d.ws.Write(context.Background(), websocket.MessageText, []byte(frame))
}

func TestSocketRefusesAtTheHandshake(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{
		"null", "https://app.example.evil.example", "https://evilapp.example", "https://x.app.example", "http://app.example",
		"https://app.example:8443", "https://app.example/", "HTTPS://app.example", "https://evil.example", "file://", "*",
		"http://greenroom.example.evil.example", "http://greenroom.example:81", "http://user@greenroom.example", "ws://greenroom.example",
		"http://greenroom.example/x", "greenroom.example", "http://evil.example http://greenroom.example",
	} {
		inBubble(t, "APageOf "+origin, func(w *world) {
			_, got, err := w.tryDial("Origin", origin)
			if err == nil || got.status != http.StatusForbidden {
				w.t.Errorf("answered %+v, %v", got, err)
			}
		})
	}
	for _, origin := range []string{"https://app.example", "http://greenroom.example", "https://greenroom.example", "http://GREENROOM.example"} {
		inBubble(t, "NoPageOf "+origin, func(w *world) {
			if _, got, err := w.tryDial("Origin", origin); err != nil {
				w.t.Errorf("answered %+v, %v", got, err)
			}
		})
	}
	inBubble(t, "WhatIsNoHandshake", func(w *world) {
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://greenroom.example/graphql", strings.NewReader(`{}`))
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		got, err := w.client.Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		defer got.Body.Close()
		if got.StatusCode != http.StatusMethodNotAllowed {
			w.t.Errorf("answered %d", got.StatusCode)
		}
	})
}

func TestSocket(t *testing.T) {
	t.Parallel()
	inBubble(t, "AnswersQueriesAndMutations", func(w *world) {
		d := w.connect()
		d.subscribe("1", "{ name }")
		d.hears(answered, `{"id":"1","type":"complete"}`)
		d.subscribe("1", "mutation { name }") // the id is free again
		d.hears(answered, `{"id":"1","type":"complete"}`)
		d.subscribe(`"<é>`, "{ lines }")
		d.hears("{\"id\":\"\\\"\\u003cé\\u003e\",\"type\":\"next\",\"payload\":{\"data\":{\n\"lines\":\r\n\"a\\nb\"}}}", `{"id":"\"\u003cé\u003e","type":"complete"}`)
	})
	inBubble(t, "KeepsTheOrder", func(w *world) {
		d := w.connect()
		for id := range 10 {
			d.subscribe(fmt.Sprint(id), "subscription { burst }")
		}
		last := map[string]int{}
		for done := 0; done < 10; {
			var id string
			var n int
			if frame := d.next(); strings.HasSuffix(frame, `"type":"complete"}`) {
				done++
			} else if _, err := fmt.Sscanf(frame, `{"id":"%1s","type":"next","payload":{"data":{"burst":%d}}}`, &id, &n); err != nil || n != last[id]+1 {
				w.t.Fatalf("heard %s after %d", frame, last[id])
			}
			last[id] = n
		}
	})
	inBubble(t, "AnswersAnErrorOnce", func(w *world) {
		d := w.connect()
		d.subscribe("1", "{ nothing }")
		d.hears(`{"id":"1","type":"error","payload":[{"message":"Cannot query field \"nothing\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)
		d.subscribe("1", "subscription { refused }")
		d.hears(`{"id":"1","type":"next","payload":{"errors":[{"message":"no such thing"}]}}`, `{"id":"1","type":"complete"}`)
		d.say(`{"id":"1","type":"subscribe","payload":{"query":"{ name }","variables":{"a":"\ud800"}}}`)
		d.hears(`{"id":"1","type":"error","payload":[{"message":"the request escapes half a surrogate pair, which is no character","extensions":{"code":"INVALID_INPUT"}}]}`)
		for _, query := range []string{"{ panic }", "subscription { panic }"} {
			d.subscribe("1", query)
			d.hears(`{"id":"1","type":"error","payload":[{"message":"internal error"}]}`)
		}
		d.subscribe("1", "{ name }")
		d.hears(answered, `{"id":"1","type":"complete"}`)
	})
	inBubble(t, "SaysNothingAfterComplete", func(w *world) {
		d := w.connect()
		d.subscribe("1", "subscription { ticks }")
		w.tick <- 1
		d.hears(`{"id":"1","type":"next","payload":{"data":{"ticks":1}}}`)
		d.say(`{"id":"1","type":"complete"}`)
		d.say(`{"id":"unknown","type":"complete"}`)
		d.say(`{"type":"ping"}`)
		d.hears(`{"type":"pong"}`)
		synctest.Wait()
		if w.busy() != 0 {
			w.t.Errorf("%d operations go on", w.busy())
		}
		d.subscribe("1", "subscription { ticks }")
		w.tick <- 2
		d.hears(`{"id":"1","type":"next","payload":{"data":{"ticks":2}}}`)
	})
	inBubble(t, "AnswersPings", func(w *world) {
		d := w.dial()
		d.say(`{"type":"ping"}`)
		d.hears(`{"type":"pong"}`)
		d.say(`{"type":"ping","payload":{"at": [1, "\ud800"]}}`)
		d.hears(`{"type":"pong","payload":{"at": [1, "\ud800"]}}`)
		d.say(`{"type":"ping","payload":null}`)
		d.hears(`{"type":"pong"}`)
		d.say(`{"type":"pong","payload":{}}`)
		d.say(sleepy)
		d.hears(`{"type":"connection_ack"}`)
	})
	inBubble(t, "RunsThirtyTwoOperations", func(w *world) {
		d := w.connect()
		for id := range maxOperations {
			d.subscribe(fmt.Sprint(id), "subscription { idle }")
		}
		d.subscribe("one too many", "{ name }")
		if got := d.next(); !strings.HasPrefix(got, `{"id":"one too many","type":"error","payload":[{"message":"too many operations`) {
			w.t.Errorf("heard %s", got)
		}
		d.say(`{"id":"7","type":"complete"}`)
		d.subscribe("1 again", "{ name }")
		if got := d.next(); !strings.HasPrefix(got, `{"id":"1 again","type":"next"`) {
			w.t.Errorf("heard %s", got)
		}
		synctest.Wait()
		if w.busy() != maxOperations-1 {
			w.t.Errorf("%d operations run", w.busy())
		}
	})
	inBubble(t, "CutsOffWhoDoesNotRead", func(w *world) {
		slow, other := w.deaf(), w.connect()
		slow.subscribe("1", "subscription { flood }")
		synctest.Wait()
		for range 9 {
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
			other.subscribe("1", "{ name }")
			other.hears(answered, `{"id":"1","type":"complete"}`)
		}
		synctest.Wait()
		if w.busy() != 1 {
			w.t.Error("the slow one has not had its time")
		}
		time.Sleep(5 * time.Second) //nolint:forbidigo // the bubble's time
		synctest.Wait()
		if w.busy() != 0 {
			w.t.Error("the slow one goes on")
		}
		other.subscribe("1", "{ name }")
		other.hears(answered, `{"id":"1","type":"complete"}`)
	})
	inBubble(t, "FindsOutWhoHasGone", func(w *world) {
		// A client answers pings while it reads: one does, the other's network has gone.
		alive, gone := w.connect(), w.deaf()
		alive.subscribe("1", "subscription { ticks }")
		gone.subscribe("1", "subscription { idle }")
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		synctest.Wait()
		if w.busy() != 1 {
			w.t.Errorf("%d operations run", w.busy())
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
		w.tick <- 1
		alive.hears(`{"id":"1","type":"next","payload":{"data":{"ticks":1}}}`)
	})
	inBubble(t, "EndsWithItsClient", func(w *world) {
		d := w.connect()
		d.subscribe("1", "subscription { idle }")
		d.subscribe("2", "{ wait }")
		synctest.Wait()
		if w.busy() != 2 {
			w.t.Fatalf("%d operations run", w.busy())
		}
		_ = d.ws.CloseNow()
		synctest.Wait()
		if w.busy() != 0 {
			w.t.Errorf("%d operations go on", w.busy())
		}
	})
	inBubble(t, "LeavesNothingBehind", func(w *world) {
		for range 2 {
			var all []*dialog
			for range 500 {
				d := w.connect()
				d.subscribe("1", "subscription { idle }")
				all = append(all, d)
			}
			synctest.Wait()
			if w.busy() != 500 {
				w.t.Fatalf("%d operations run", w.busy())
			}
			for i, d := range all {
				switch i % 3 {
				case 0:
					d.say(`{"id":"1","type":"complete"}`)
					_ = d.ws.Close(websocket.StatusNormalClosure, "")
				case 1:
					_ = d.ws.Close(websocket.StatusGoingAway, "")
				default:
					_ = d.ws.CloseNow()
				}
			}
			w.client.CloseIdleConnections()
			synctest.Wait()
			if w.busy() != 0 {
				w.t.Fatalf("%d operations go on", w.busy())
			}
			// Nothing is open any more: what remained would be waited for.
			w.live.open.Wait()
		}
	})
}

// An outlived is a response writer that is told of a socket's end.
type outlived struct {
	http.ResponseWriter
	done func()
}

func (o outlived) Outlive() func()             { return o.done }
func (o outlived) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func TestDrain(t *testing.T) {
	t.Parallel()
	inBubble(t, "ClosesSubscriptionsAtOnce", func(w *world) {
		d := w.connect()
		idle := w.connect()
		d.subscribe("1", "subscription { idle }")
		synctest.Wait()
		if err := w.drain(time.Minute); err != nil {
			w.t.Error(err)
		}
		d.closesAtOnce(1012, "stopping")
		idle.closesAtOnce(1012, "stopping")
	})
	inBubble(t, "WaitsForAnswers", func(w *world) {
		d := w.connect()
		d.subscribe("1", "subscription { idle }")
		d.subscribe("2", "mutation { wait }")
		synctest.Wait()
		drained := make(chan error)
		go func() { drained <- w.drain(time.Minute) }()
		synctest.Wait()
		d.subscribe("3", "mutation { name }") // too late: it must not be done here
		synctest.Wait()
		w.release <- struct{}{}
		d.hears(`{"id":"2","type":"next","payload":{"data":{"wait":"test"}}}`, `{"id":"2","type":"complete"}`)
		d.closesAtOnce(1012, "stopping")
		if err := <-drained; err != nil {
			w.t.Error(err)
		}
	})
	inBubble(t, "WaitsNoLongerThanItMay", func(w *world) {
		d := w.connect()
		d.subscribe("1", "mutation { wait }")
		synctest.Wait()
		began := time.Now()
		if err := w.drain(5 * time.Second); err != nil {
			w.t.Error(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			w.t.Errorf("took %s", took)
		}
		d.closesAtOnce(1012, "stopping")
	})
	inBubble(t, "WaitsForTheRequestsEnd", func(w *world) {
		var ended atomic.Bool
		next := w.server.Handler
		w.server.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(outlived{rw, func() {
				time.Sleep(time.Second) //nolint:forbidigo // the bubble's time, in which a line of a log is written
				ended.Store(true)
			}}, r)
		})
		w.connect()
		if err := w.drain(time.Minute); err != nil {
			w.t.Error(err)
		}
		if !ended.Load() {
			w.t.Error("the server may stop before it is told of the end")
		}
	})
	inBubble(t, "RefusesNewOnes", func(w *world) {
		if err := w.drain(time.Minute); err != nil {
			w.t.Error(err)
		}
		if _, got, err := w.tryDial(); err == nil || got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			w.t.Errorf("answered %+v, %v", got, err)
		}
		if got := w.events("subscription { idle }"); got.status != http.StatusServiceUnavailable {
			w.t.Errorf("answered %+v", got)
		}
	})
	inBubble(t, "ClosesWhoDoesNotAnswer", func(w *world) {
		w.deaf() // not even the close frame is read
		began := time.Now()
		if err := w.drain(time.Minute); err != nil {
			w.t.Error(err)
		}
		if took := time.Since(began); took > closeWithin {
			w.t.Errorf("took %s", took)
		}
	})
	inBubble(t, "ClosesWhoDoesNotAnswerInItsOwnTime", func(w *world) {
		w.deaf()
		w.deafEvents()
		began := time.Now()
		if err := w.drain(time.Second); err == nil {
			w.t.Error("deaf clients have closed within a second")
		}
		if took := time.Since(began); took > time.Second {
			w.t.Errorf("took %s", took)
		}
	})
	inBubble(t, "EndsAnEventStreamThatIsNotRead", func(w *world) {
		w.deafEvents()
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time, in which the write has 9 s left
		began := time.Now()
		if err := w.drain(time.Minute); err != nil {
			w.t.Error(err)
		}
		if took := time.Since(began); took > closeWithin {
			w.t.Errorf("took %s", took)
		}
	})
	inBubble(t, "IsNotPutOffByAMessageUnderWay", func(w *world) {
		d := w.deaf()
		d.subscribe("1", "subscription { ticks }")
		synctest.Wait()
		drained := make(chan error)
		w.pipes.onWrite = func(b []byte) {
			if strings.Contains(string(b), "next") {
				go func() { drained <- w.drain(time.Minute) }()
				time.Sleep(time.Millisecond) //nolint:forbidigo // the bubble's time: the socket has ended by then
			}
		}
		w.tick <- 1
		if _, frame, err := d.ws.Read(context.Background()); err != nil { // and not the close frame
			w.t.Fatalf("heard %s, %v", frame, err)
		}
		began := time.Now()
		if err := <-drained; err != nil {
			w.t.Error(err)
		}
		if took := time.Since(began); took > closeWithin {
			w.t.Errorf("took %s", took)
		}
	})
}

// deafEvents is an event stream whose client reads nothing but the beginning.
func (w *world) deafEvents() {
	w.t.Helper()
	w.events("subscription { flood }")
	synctest.Wait()
}

func (w *world) drain(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return w.live.Drain(ctx)
}
