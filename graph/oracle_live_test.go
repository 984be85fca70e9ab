package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/graph"
	"greenroom/models"
)

// A liveOracle subscribes twice to the same: at plans, by two operations that share what they are told,
// and at the generated executor, which is right.
type liveOracle struct {
	*planted
	t                *testing.T
	r                *rand.Rand
	plans, generated map[string]*websocket.Conn // by caller
	planned, other   atomic.Int64
	operations       int
	changed, ended   int
}

// TestLiveOracle compares the messages of subscriptions: byte for byte, errors included, over documents,
// callers and changes of many kinds.
func TestLiveOracle(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(*oracleSeed, 1))
	w := setup(t)
	o := &liveOracle{planted: plant(w, r), t: t, r: r}
	// Its avatar is outside of its scope: what is read for a message is not there.
	astray := tokenOf(o.sessions[5]) // which is started, and has no deadline
	astray.AvatarID = models.NewID(models.AvatarPrefix, epoch)
	o.callers["astray"] = astray
	delete(o.callers, "nobody")
	w.config.Admit = func(_ context.Context, _, secret string) (*auth.Caller, error) { return o.callers[secret], nil }
	o.plans = o.connect(graph.New(w.config.Telling(func(planned bool) {
		if planned {
			o.planned.Add(1)
		} else {
			o.other.Add(1)
		}
	})))
	o.generated = o.connect(graph.New(w.config.WithoutPlans()))
	documents := 600
	if raceEnabled {
		documents = 200
	}
	if *oracleDocuments > 0 {
		documents = *oracleDocuments
	}
	who := slices.Sorted(maps.Keys(o.callers))
	for i := 0; i < documents && !t.Failed(); i++ {
		name := pick(r, []string{"other", "astray", pick(r, who)})
		id := o.choose(o.callers[name])
		text, variables := newSubscription(r, o.planted, id)
		o.compare(name, text, variables, id)
		o.plantSession(r, w.other, i) // others have ended
		if r.IntN(100) == 0 {
			w.now.Add(r.Int64N(20 * time.Minute.Milliseconds()))
		}
	}
	t.Logf("%d messages by plans, %d by the generated executor, %d changes, %d ends", o.planned.Load(), o.other.Load(), o.changed, o.ended)
	if o.planned.Load() < int64(documents) || o.other.Load() == 0 || o.changed < documents/4 || o.ended == 0 {
		t.Error("vacuous")
	}
}

// connect opens a socket for each caller.
func (o *liveOracle) connect(h http.Handler) map[string]*websocket.Conn {
	server := httptest.NewServer(h)
	o.t.Cleanup(server.Close)
	all := map[string]*websocket.Conn{}
	for name := range o.callers {
		ws, _, err := websocket.Dial(o.t.Context(), server.URL, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // Dial closes it
		if err != nil {
			o.t.Fatal(err)
		}
		ws.SetReadLimit(1 << 20)
		o.t.Cleanup(func() { _ = ws.CloseNow() })
		all[name] = ws
		o.say(ws, vars{"type": "connection_init", "payload": vars{"x-api-key": name}})
		if got := o.hear(ws); got != `{"type":"connection_ack"}` {
			o.t.Fatalf("%s heard %s", name, got)
		}
	}
	return all
}

func (o *liveOracle) say(ws *websocket.Conn, message vars) {
	o.t.Helper()
	text, err := json.Marshal(message)
	if err == nil {
		err = ws.Write(o.t.Context(), websocket.MessageText, text)
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *liveOracle) hear(ws *websocket.Conn) string {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, text, err := ws.Read(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(text)
}

// compare subscribes, and changes the session while the subscription lasts.
func (o *liveOracle) compare(caller, text string, variables vars, id string) {
	o.t.Helper()
	o.operations++
	ids := []string{fmt.Sprintf("%da", o.operations), fmt.Sprintf("%db", o.operations)}
	for _, one := range ids {
		message := vars{"type": "subscribe", "id": one, "payload": vars{"query": text, "variables": variables}}
		o.say(o.plans[caller], message)
		o.say(o.generated[caller], message)
	}
	for changes := range 4 {
		over := o.isOver(o.callers[caller], id)
		if first := o.same(caller, text, variables, over); over || !strings.Contains(first, `"type":"next"`) {
			return
		}
		if changes == 3 || o.r.IntN(4) == 0 {
			break
		}
		o.change(id)
	}
	for _, one := range ids {
		for _, ws := range []*websocket.Conn{o.plans[caller], o.generated[caller]} {
			o.say(ws, vars{"type": "complete", "id": one})
		}
	}
}

// same hears the next messages of both operations from both servers, in whatever order: all of them
// when the subscriptions are over.
func (o *liveOracle) same(caller, text string, variables vars, over bool) (last string) {
	o.t.Helper()
	listen := func(ws *websocket.Conn) (heard []string) {
		for missing := 2; missing > 0; {
			frame := o.hear(ws)
			heard = append(heard, frame)
			isNext := strings.Contains(frame, `,"type":"next",`)
			isRefused := isNext && !strings.Contains(frame, `"data":`) // there is no such session
			if !isNext || !over && !isRefused {
				missing--
			}
		}
		return heard
	}
	got, want := listen(o.plans[caller]), listen(o.generated[caller])
	slices.Sort(got)
	slices.Sort(want)
	if len(got) != len(want) {
		o.t.Fatalf("%s asks\n%s\n%v\n got %s\nwant %s", caller, text, variables, got, want)
	}
	for i := range got {
		if payload := func(frame string) []byte {
			var m struct{ Payload json.RawMessage }
			_ = json.Unmarshal([]byte(frame), &m)
			return m.Payload
		}; got[i] != want[i] && !sameButForOrder(payload(got[i]), payload(want[i])) {
			o.t.Fatalf("%s asks\n%s\n%v\n got %s\nwant %s", caller, text, variables, got[i], want[i])
		}
	}
	return got[0]
}

// isOver tells whether the present is all that a subscriber is told.
func (o *liveOracle) isOver(caller *auth.Caller, id string) bool {
	s, err := o.store.Session(context.Background(), caller.Scope(), id, o.clock())
	return err != nil || s.EndedAt != nil
}

// change changes a session, and what is shown with it.
func (o *liveOracle) change(id string) {
	o.t.Helper()
	o.changed++
	r := o.r
	var s *models.Session
	for _, one := range o.sessions {
		if one.ID == id {
			s = one
		}
	}
	o.write(func(tx *db.Tx) error {
		row, err := tx.Session(models.Scope{AccountID: s.AccountID}, s.ID)
		if err != nil {
			return err
		}
		row.Revision++
		switch kind := r.IntN(24); {
		case kind == 23:
			row.End(o.clock(), models.EndClient)
			row.Revision--
			o.ended++
		case kind < 3 && row.StartedAt == nil:
			row.StartedAt, row.AvatarState = o.clock().Ptr(), models.AvatarReady
		case kind < 5:
			row.Room.URL = pick(r, []string{"", "https://x.daily.co/" + row.Room.Name})
		case kind < 7:
			row.AvatarID = o.avatarOf(s.AccountID)
		case kind < 9:
			e := &models.SessionEvent{
				AccountID: s.AccountID, SessionID: s.ID, Revision: 100 + o.changed, ID: models.NewID(models.EventPrefix, o.clock()),
				Type: models.EventParticipantJoined, At: o.clock(), Actor: models.ActorParticipant, Detail: new(pick(r, hostileTexts)),
			}
			if err := tx.InsertEvent(e); err != nil {
				return err
			}
		default:
			row.EndUserID = new(pick(r, hostileTexts))
		}
		return tx.Swap(row)
	})
}

func (o *liveOracle) avatarOf(accountID string) string {
	for {
		if a := pick(o.r, o.avatars); a.AccountID == accountID {
			return a.ID
		}
	}
}

// choose gives the id of a session, mostly one that the caller may watch.
func (o *liveOracle) choose(caller *auth.Caller) string {
	if o.r.IntN(12) == 0 {
		return pick(o.r, o.ids)
	}
	if caller.SessionID != "" {
		return caller.SessionID
	}
	for range 100 {
		if id := pick(o.r, o.sessions).ID; !o.isOver(caller, id) {
			return id
		}
	}
	return pick(o.r, o.sessions).ID
}

// newSubscription writes a subscription to a session.
func newSubscription(r *rand.Rand, data *planted, id string) (text string, variables vars) {
	d := &documents{
		r: r, data: data, variables: vars{}, fragments: map[string]string{}, fields: 5 + r.IntN(40), exotic: r.IntN(10) == 0,
	}
	argument := literal(id)
	if r.IntN(2) == 0 {
		argument = d.variable("ID!", id)
	}
	field := pick(r, []string{"sessionUpdated", "also: sessionUpdated"})
	text = field + "(id: " + argument + ")" + d.selection("Session")
	if r.IntN(10) == 0 {
		d.bodies = append(d.bodies, "fragment Root on Subscription { "+text+" }")
		text = "...Root"
	}
	text = " { " + text + " }"
	if len(d.declared) > 0 {
		text = "(" + strings.Join(d.declared, ", ") + ")" + text
	}
	return "subscription S" + text + " " + strings.Join(d.bodies, " "), d.variables
}
