package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/daily/emulator"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// A visitor is a browser's socket in a room.
type visitor struct {
	t  *testing.T
	ws *websocket.Conn
}

// visit dials the room's socket and says hello.
func (d *domain) visit(room, token string) *visitor {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, d.server.URL+"/rooms/"+room+"/join", &websocket.DialOptions{HTTPClient: d.server.Client()}) //nolint:bodyclose // Dial closes it
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = ws.CloseNow() })
	v := &visitor{d.t, ws}
	hello, err := json.Marshal(map[string]string{"type": "join", "token": token, "name": "Bob"})
	if err != nil {
		d.t.Fatal(err)
	}
	v.say(string(hello))
	return v
}

func (v *visitor) say(frame string) {
	v.t.Helper()
	if err := v.ws.Write(v.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		v.t.Fatal(err)
	}
}

// A heard frame is a text frame, or speech.
type heard struct {
	Type, Name, Text, Error, Info string
	Now                           int64
	EjectAt                       *int64 `json:"eject_at"`
	People                        []struct {
		Name, Picture string
		Avatar        bool
	}
	pcm []byte
}

// next gives the next frame; the error is the socket's end.
func (v *visitor) next() (f heard, err error) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	kind, data, err := v.ws.Read(ctx)
	if err != nil {
		return f, err
	}
	if kind == websocket.MessageBinary {
		return heard{Type: "speech", pcm: data}, nil
	}
	return f, json.Unmarshal(data, &f)
}

// await skips to the next frame of a type.
func (v *visitor) await(kind string) heard {
	v.t.Helper()
	for {
		f, err := v.next()
		if err != nil {
			v.t.Fatalf("waiting for %s: %v", kind, err)
		}
		if f.Type == kind {
			return f
		}
	}
}

// closed skips to the socket's end.
func (v *visitor) closed() (websocket.StatusCode, string) {
	v.t.Helper()
	for {
		if _, err := v.next(); err != nil {
			ended, ok := errors.AsType[websocket.CloseError](err)
			if !ok {
				v.t.Fatalf("not closed: %v", err)
			}
			return ended.Code, ended.Reason
		}
	}
}

func (d *domain) attend(room string) *emulator.Attendee {
	d.t.Helper()
	a, err := emulator.Attend(d.t.Context(), d.server.Client(), d.server.URL+"/rooms/"+room, emulator.Guest{
		Token: d.token(room, "avatar-1"), Name: "Ada", Picture: "https://example.com/ada.png",
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(a.Leave)
	return a
}

// eventually waits for the log to have an event.
func (d *domain) eventually(event string) {
	d.t.Helper()
	for deadline := time.Now().Add(patience); !contains(d.events(), event); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("no %q in %q", event, d.events())
		}
	}
}

func contains(all []string, one string) bool {
	return strings.Contains("\n"+strings.Join(all, "\n")+"\n", "\n"+one+"\n")
}

func TestTheDoor(t *testing.T) {
	t.Parallel()
	ask := daily.Claims{Room: "r", DomainID: domainID, UserID: "u", IssuedAt: t0, Expires: t0.Add(time.Hour)}
	with := func(change func(*daily.Claims)) string {
		c := ask
		change(&c)
		return daily.SignToken(key, c)
	}
	for name, test := range map[string]struct {
		room, token string
		before      time.Duration
		want, info  string
	}{
		"NoRoom":           {"nothing", with(func(*daily.Claims) {}), 0, "no-room", "the room does not exist"},
		"PrivateNoToken":   {"r", "", 0, "not-allowed", "the room is private"},
		"ForeignSignature": {"r", daily.SignToken("other", ask), 0, "not-allowed", "the token is not valid"},
		"NoToken":          {"r", "x.y.z", 0, "not-allowed", "the token is not valid"},
		"TokenOfOtherRoom": {"r", with(func(c *daily.Claims) { c.Room = "s" }), 0, "not-allowed", "the token is for another room"},
		"ExpiredToken":     {"r", with(func(c *daily.Claims) { c.Expires = t0 }), 0, "exp-token", "the token has expired"},
		"ExpiredRoom":      {"r", with(func(*daily.Claims) {}), time.Hour, "exp-room", "the room has expired"},
		"DeletedRoom":      {"deleted", with(func(c *daily.Claims) { c.Room = "deleted" }), 0, "no-room", "the room does not exist"},
		"RoomNotOpenYet":   {"early", with(func(c *daily.Claims) { c.Room = "early" }), 0, "nbf-room", "the room is not open yet"},
		"FullRoom":         {"full", with(func(c *daily.Claims) { c.Room = "full" }), 0, "meeting-full", "the room is full"},
		"BannedUser": {"r", with(func(c *daily.Claims) { c.UserID = "banned" }), 0, "not-allowed",
			"this user was put out of the call"},
		"RightToken": {"r", with(func(*daily.Claims) {}), 0, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			d.must("POST", "/v1/rooms", `{"name":"r","privacy":"private","properties":{"exp":1790848882}}`)
			d.must("POST", "/v1/rooms", `{"name":"early","privacy":"private","properties":{"nbf":1790845382}}`)
			d.must("POST", "/v1/rooms", `{"name":"full","privacy":"private","properties":{"max_participants":1}}`)
			d.must("POST", "/v1/rooms", `{"name":"deleted","privacy":"private"}`)
			d.must("DELETE", "/v1/rooms/deleted", "")
			d.join("full", "first")
			d.join("r", "first")
			d.must("POST", "/v1/rooms/r/eject", `{"user_ids":["banned"],"ban":true}`)
			d.pass(test.before)

			status, body := d.callAs("", "POST", "/rooms/"+test.room+"/check", `{"token":"`+test.token+`"}`)
			var checked struct{ Error, Info string }
			if err := json.Unmarshal([]byte(body), &checked); err != nil || checked.Error != test.want || (status == 200) != (test.want == "") {
				t.Errorf("check: %d %s", status, body)
			}
			v := d.visit(test.room, test.token)
			f, err := v.next()
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if f.Type != "joined" || f.Name != "Bob" {
					t.Errorf("got %+v", f)
				}
				return
			}
			if f.Type != "refused" || f.Error != test.want || f.Info != test.info {
				t.Errorf("got %+v", f)
			}
			if code, reason := v.closed(); code != 4403 || reason != test.want {
				t.Errorf("closed with %d %q", code, reason)
			}
			_, err = emulator.Attend(t.Context(), d.server.Client(), d.server.URL+"/rooms/"+test.room, emulator.Guest{Token: test.token})
			if failed, ok := errors.AsType[*emulator.JoinError](err); !ok || failed.Type != test.want {
				t.Errorf("an avatar's join: %v", err)
			}
		})
	}

	t.Run("AnotherPageMayNotJoin", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		_, resp, err := websocket.Dial(t.Context(), d.server.URL+"/rooms/r/join", &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
			HTTPClient: d.server.Client(), HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}},
		})
		if err == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("got %v", err)
		}
	})
}

func TestAVisitIsAParticipant(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*visitor){
		"ThatSaysItLeaves":    func(v *visitor) { v.say(`{"type":"leave"}`) },
		"ThatClosesTheSocket": func(v *visitor) { _ = v.ws.Close(websocket.StatusGoingAway, "") },
		"ThatIsCutOff":        func(v *visitor) { _ = v.ws.CloseNow() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			r := newReceiver(t)
			r.register(t, d, `,"eventTypes":["participant.joined","participant.left"]`)
			d.must("POST", "/v1/rooms", createR)
			v := d.visit("r", d.token("r", "u1"))
			v.await("joined")
			if got := r.next(t); got.kind != "participant.joined" || !strings.Contains(got.body, `"user_id":"u1","user_name":"Ann"`) {
				t.Errorf("got %s", got.body)
			}
			leave(v)
			if got := r.next(t); got.kind != "participant.left" {
				t.Errorf("got %s", got.body)
			}
			d.eventually("participant left")
		})
	}

	t.Run("ThatVanishesLeavesWithinTwoSigns", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		d.AskForSigns(20 * time.Millisecond)
		d.must("POST", "/v1/rooms", createR)
		// Nobody reads this socket, so nobody answers a ping.
		d.visit("r", d.token("r", "u1"))
		d.eventually("participant joined")
		d.eventually("participant left")
	})

	t.Run("WhichEverybodySeesComeAndGo", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		d.must("POST", "/v1/rooms", createR)
		v := d.visit("r", d.token("r", "u1"))
		a := d.attend("r")
		d.join("r", "u2") // without a socket
		names := func(n int) (names []string) {
			for {
				f := v.await("people")
				for _, p := range f.People {
					if p.Avatar != (p.Picture != "") {
						t.Errorf("got %+v", p)
					}
					names = append(names, p.Name)
				}
				if len(names) == n {
					return names
				}
				names = nil
			}
		}
		if diff := cmp.Diff([]string{"Ann", "Ann", "Ann"}, names(3)); diff != "" {
			t.Error(diff)
		}
		a.Leave()
		names(2)
	})
}

func TestAVisitorPutOutIsToldWhy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do   func(*domain)
		info string
	}{
		"ByEject":    {func(d *domain) { d.must("POST", "/v1/rooms/r/eject", `{"user_ids":["u1"]}`) }, "by call"},
		"ByDelete":   {func(d *domain) { d.must("DELETE", "/v1/rooms/r", "") }, "room deleted"},
		"ByTheClock": {func(d *domain) { d.pass(time.Hour); d.Rooms() }, "time is up"},
		"ByAnother":  {func(d *domain) { d.join("r", "u1") }, "same user id joined again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			d.must("POST", "/v1/rooms", `{"name":"r","privacy":"private","properties":{"exp":1790845382,"eject_at_room_exp":true,"enforce_unique_user_ids":true}}`)
			v := d.visit("r", d.token("r", "u1"))
			joined := v.await("joined")
			if joined.Now != int64(t0) || joined.EjectAt == nil || *joined.EjectAt != 1790845382000 {
				t.Errorf("joined %+v", joined)
			}
			test.do(d)
			if f := v.await("ended"); f.Error != "ejected" || f.Info != test.info {
				t.Errorf("got %+v", f)
			}
			if code, reason := v.closed(); code != 4410 || reason != "ejected: "+test.info {
				t.Errorf("closed with %d %q", code, reason)
			}
		})
	}

	t.Run("ByTheEmulatorsEnd", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		d.must("POST", "/v1/rooms", createR)
		v := d.visit("r", d.token("r", "u1"))
		v.await("joined")
		done := make(chan struct{})
		go func() { defer close(done); _ = d.Close() }()
		if code, _ := v.closed(); code != websocket.StatusGoingAway {
			t.Errorf("closed with %d", code)
		}
		<-done
	})
}

func TestSpeech(t *testing.T) {
	t.Parallel()
	t.Run("ReachesEverybodyFromWhenTheyJoin", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		d.must("POST", "/v1/rooms", createR)
		a := d.attend("r")
		first := d.visit("r", d.token("r", "u1"))
		first.await("joined")
		early, late := bytes.Repeat([]byte{1, 2}, 1600), bytes.Repeat([]byte{3, 4}, 800)
		a.Play(early)
		if got := first.await("speech").pcm; !bytes.Equal(got, early) {
			t.Errorf("got %d bytes", len(got))
		}
		second := d.visit("r", d.token("r", "u2"))
		second.await("joined")
		a.Caption("Good morning")
		a.Play(late)
		for _, v := range []*visitor{first, second} {
			if got := v.await("caption").Text; got != "Good morning" {
				t.Errorf("got %q", got)
			}
			if got := v.await("speech").pcm; !bytes.Equal(got, late) {
				t.Errorf("got %d bytes", len(got))
			}
		}
		a.Interrupt()
		first.await("interrupt")
	})

	t.Run("IsForAvatarsOnly", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		d.must("POST", "/v1/rooms", createR)
		for _, frame := range []string{`{"type":"caption","text":"x"}`, `{"type":"join"}`, `{"type":"dance"}`, `[]`} {
			v := d.visit("r", d.token("r", "u1"))
			v.await("joined")
			v.say(frame)
			if code, _ := v.closed(); code != 4400 {
				t.Errorf("%s: closed with %d", frame, code)
			}
		}
		v := d.visit("r", d.token("r", "u1"))
		v.await("joined")
		if err := v.ws.Write(t.Context(), websocket.MessageBinary, []byte{1, 2}); err != nil {
			t.Fatal(err)
		}
		if code, _ := v.closed(); code != 4400 {
			t.Errorf("closed with %d", code)
		}
	})

	t.Run("OfAnAvatarThatWasPutOutReachesNobody", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		d.must("POST", "/v1/rooms", createR)
		a := d.attend("r")
		v := d.visit("r", d.token("r", "u1"))
		v.await("joined")
		d.must("POST", "/v1/rooms/r/eject", `{"user_ids":["avatar-1"]}`)
		a.Play([]byte{1, 2})
		a.Caption("still here")
		a.Leave()
		v.say(`{"type":"leave"}`)
		for {
			f, err := v.next()
			if err != nil {
				return
			}
			if f.Type == "speech" || f.Type == "caption" {
				t.Errorf("heard %+v", f)
			}
		}
	})
}

func TestASlowReader(t *testing.T) {
	t.Parallel()
	t.Run("LosesTheOldestSpeechAndNoFrame", func(t *testing.T) {
		t.Parallel()
		l := emulator.NewLine()
		l.Tell("people")
		for i := range 100 {
			l.Play(bytes.Repeat([]byte{byte(i)}, 3200))
		}
		shown, held := l.Queued()
		if held != 5*2*emulator.SampleRate {
			t.Errorf("%d bytes wait", held)
		}
		if shown[0] != `{"type":"people"}` || shown[1] != byte(50) || shown[len(shown)-1] != byte(99) {
			t.Errorf("got %v", shown)
		}
	})

	t.Run("HearsNothingOldAfterAnInterrupt", func(t *testing.T) {
		t.Parallel()
		l := emulator.NewLine()
		l.Tell("caption")
		l.Play([]byte{1, 1})
		l.Silence()
		l.Tell("interrupt")
		l.Play([]byte{2, 2})
		shown, _ := l.Queued()
		if diff := cmp.Diff([]any{`{"type":"caption"}`, `{"type":"interrupt"}`, byte(2)}, shown); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("IsCutOffInTheEnd", func(t *testing.T) {
		t.Parallel()
		l := emulator.NewLine()
		for range 10_000 {
			l.Tell("people")
		}
		shown, _ := l.Queued()
		if diff := cmp.Diff([]any{1008}, shown); diff != "" {
			t.Error(diff)
		}
	})
}
