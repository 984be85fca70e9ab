package emulator_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	ask := daily.Claims{Room: "r", DomainID: domainID, UserID: "u", IssuedAt: t0, Expires: t0.Add(time.Hour)}
	without := func(change func(*daily.Claims)) string {
		c := ask
		change(&c)
		return daily.SignToken(key, c)
	}
	for name, test := range map[string]struct {
		room, token string
		before      time.Duration
		want        string
	}{
		"NoRoom":            {"nothing", daily.SignToken(key, ask), 0, "no-room"},
		"PrivateNoToken":    {"r", "", 0, "not-allowed"},
		"ForeignKey":        {"r", daily.SignToken("other", ask), 0, "not-allowed"},
		"ForeignDomain":     {"r", without(func(c *daily.Claims) { c.DomainID = "x" }), 0, "not-allowed"},
		"TokenOfOtherRoom":  {"r", without(func(c *daily.Claims) { c.Room = "s" }), 0, "not-allowed"},
		"TokenWithNoName":   {"r", without(func(c *daily.Claims) { c.Room = "" }), 0, "not-allowed"},
		"ExpiredToken":      {"r", without(func(c *daily.Claims) { c.Expires = t0 }), 0, "exp-token"},
		"ExpiredRoom":       {"r", daily.SignToken(key, ask), time.Hour, "exp-room"},
		"RoomNotOpenYet":    {"early", without(func(c *daily.Claims) { c.Room = "early" }), 0, "nbf-room"},
		"FullRoom":          {"full", without(func(c *daily.Claims) { c.Room = "full" }), 0, "meeting-full"},
		"PublicRoom":        {"public", "", 0, ""},
		"PrivateRightToken": {"r", daily.SignToken(key, ask), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			d.must("POST", "/v1/rooms", `{"name":"r","privacy":"private","properties":{"exp":1790848882}}`)
			d.must("POST", "/v1/rooms", `{"name":"early","privacy":"private","properties":{"nbf":1790845382}}`)
			d.must("POST", "/v1/rooms", `{"name":"full","privacy":"private","properties":{"max_participants":1}}`)
			d.must("POST", "/v1/rooms", `{"name":"public"}`)
			d.join("full", "first")
			d.pass(test.before)
			_, err := d.Join(test.room, test.token, "Bob")
			got := ""
			if failed, ok := errors.AsType[*emulator.JoinError](err); ok {
				got = failed.Type
			}
			if got != test.want || (err == nil) != (test.want == "") {
				t.Errorf("join: %v, want %q", err, test.want)
			}
		})
	}
}

func TestJoinOverHTTP(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", `{"name":"r","privacy":"private","properties":{"exp":1790848882,"eject_at_room_exp":true}}`)
	status, body := d.callAs("", "POST", "/_/rooms/r/join", `{"token":"`+d.token("r", "u1")+`"}`)
	want := `{"meeting_id":"<uuid>","room":"r","user_id":"u1","user_name":"Ann","session_id":"<uuid>","joined_at":1790845282.345,"will_eject_at":1790848882,"owner":false,"networkQualityState":"unknown","permissions":{"hasPresence":true,"canSend":true,"canReceive":{"base":true},"canAdmin":false}}`
	if diff := cmp.Diff(want, anonymous(body)); diff != "" || status != http.StatusOK {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
	session := uuid.FindAllString(body, -1)[1]
	for _, s := range []step{
		post("/_/rooms/r/join", `{}`, 403, `{"error":"not-allowed","info":"the room is private"}`),
		post("/_/rooms/x/join", `{}`, 404, `{"error":"no-room","info":"the room does not exist"}`),
		post("/_/rooms/r/join", `{`, 400, `{"error":"json-parsing-error"}`),
		post("/_/rooms/x/leave", `{"session_id":"`+session+`"}`, 404, `{"error":"not-found","info":"no such participant in this room"}`),
		post("/_/rooms/r/leave", `{"session_id":"`+session+`"}`, 200, `{"left":true}`),
		post("/_/rooms/r/leave", `{"session_id":"`+session+`"}`, 404, `{"error":"not-found","info":"no such participant in this room"}`),
	} {
		if status, body := d.callAs("", s.method, s.path, s.body); status != s.status || body != s.want {
			t.Errorf("%s %s: %d %s, want %d %s", s.path, s.body, status, body, s.status, s.want)
		}
	}
}

func TestEjectionTime(t *testing.T) {
	t.Parallel()
	at := func(seconds int) *models.Time { return (t0/1000*1000 + models.Time(seconds*1000)).Ptr() }
	elapsed := func(seconds int) *models.Time { return (t0 + models.Time(seconds*1000)).Ptr() }
	for name, test := range map[string]struct {
		room, token string
		want        *models.Time
	}{
		"Never":                    {`"exp":1790845382`, `"exp":1790845300`, nil},
		"AtRoomExp":                {`"exp":1790845382,"eject_at_room_exp":true`, `"exp":1790845300`, at(100)},
		"AfterElapsed":             {`"eject_after_elapsed":50`, ``, elapsed(50)},
		"EarlierOfTheRooms":        {`"exp":1790845382,"eject_at_room_exp":true,"eject_after_elapsed":50`, ``, elapsed(50)},
		"TokenSwitchesRoomOff":     {`"exp":1790845382,"eject_at_room_exp":true`, `"exp":1790845582,"eject_at_token_exp":true`, at(300)},
		"TokenElapsedOverridesExp": {`"exp":1790845382,"eject_at_room_exp":true`, `"eject_after_elapsed":500`, elapsed(500)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			d.must("POST", "/v1/rooms", `{"name":"r","privacy":"private","properties":{`+test.room+`}}`)
			token, _ := d.must("POST", "/v1/meeting-tokens", `{"properties":{`+test.token+`}}`)["token"].(string)
			p, err := d.Join("r", token, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, p.WillEjectAt); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEjectionIsFrozenAtJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Key: key, DomainID: domainID})
		defer func() { _ = e.Close() }()
		began := models.SystemClock()
		exp := began.Add(time.Minute)
		direct(t, e, "POST", "/v1/rooms", fmt.Sprintf(`{"name":"r","properties":{"exp":%d,"eject_at_room_exp":true}}`, exp/1000))
		if _, err := e.Join("r", "", "Ann"); err != nil {
			t.Fatal(err)
		}
		direct(t, e, "POST", "/v1/rooms/r", fmt.Sprintf(`{"properties":{"exp":%d}}`, exp/1000+3600))
		if _, err := e.Join("r", "", "Bob"); err != nil {
			t.Fatal(err)
		}
		elapse(time.Minute - time.Millisecond)
		if inside := e.Rooms()[0].Inside; len(inside) != 2 {
			t.Errorf("%d people inside before the time, want 2", len(inside))
		}
		// Nobody calls anything: the emulator's own timer must put Ann out.
		elapse(2 * time.Millisecond)
		synctest.Wait()
		inside := e.Rooms()[0].Inside
		if len(inside) != 1 || inside[0].UserName != "Bob" {
			t.Errorf("inside after the time: %+v, want Bob alone", inside)
		}
		last := e.Log()[len(e.Log())-1]
		if last.Event != "participant ejected" || last.At != exp {
			t.Errorf("last event %q at %s, want the ejection at %s", last.Event, last.At, exp)
		}
	})
}

func TestEject(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", createR)
	a, b := d.join("r", "u1"), d.join("r", "u1")
	d.join("r", "u2")
	ejected := d.must("POST", "/v1/rooms/r/eject", `{"user_ids":["u1","nobody"],"ban":true}`)
	if diff := cmp.Diff(map[string]any{"ejectedIds": []any{a.SessionID, b.SessionID}}, ejected); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := d.Join("r", d.token("r", "u1"), "")
	if failed, ok := errors.AsType[*emulator.JoinError](err); !ok || failed.Type != emulator.JoinNotAllowed {
		t.Errorf("the banned joined again: %v", err)
	}
	status, body := d.call("POST", "/v1/rooms/r/eject", `{"user_ids":["u3"]}`)
	if status != http.StatusOK || body != `{"ejectedIds":[]}` {
		t.Errorf("nobody's id: %d %s", status, body)
	}
	// The ban is the call's: once that has ended, it is gone.
	d.must("POST", "/v1/rooms/r/eject", `{"user_ids":["u2"]}`)
	d.pass(21 * time.Second)
	d.join("r", "u1")
}

func TestUniqueUserIDsPutOutTheEarlier(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", `{"name":"r","privacy":"private","properties":{"enforce_unique_user_ids":true,"max_participants":1}}`)
	d.join("r", "u1")
	second := d.join("r", "u1")
	inside := d.Rooms()[0].Inside
	if len(inside) != 1 || inside[0].SessionID != second.SessionID {
		t.Errorf("inside: %+v, want the second alone", inside)
	}
}

func TestPresenceLags(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", createR)
	p := d.join("r", "u1")
	steps := []step{
		get("/v1/rooms/r/presence", 200, `{"total_count":0,"data":[]}`).later(14 * time.Second),
		get("/v1/rooms/r/presence", 200, `{"total_count":1,"data":[{"room":"r","id":"<uuid>","userId":"u1","userName":"Ann","mtgSessionId":"<uuid>","joinTime":"2026-10-01T09:01:22.345Z","duration":15}]}`).later(time.Second),
		get("/v1/rooms/r/presence?userId=u2", 200, `{"total_count":0,"data":[]}`),
		get("/v1/presence", 200, `{"r":[{"room":"r","id":"<uuid>","userId":"u1","userName":"Ann","mtgSessionId":"<uuid>","joinTime":"2026-10-01T09:01:22.345Z","duration":15}]}`),
	}
	check := func(s step) {
		t.Helper()
		d.pass(s.after)
		if status, body := d.call(s.method, s.path, s.body); status != s.status || anonymous(body) != s.want {
			t.Errorf("%s: %d %s, want %s", s.path, status, body, s.want)
		}
	}
	for _, s := range steps {
		check(s)
	}
	if err := d.Leave("r", p.SessionID); err != nil {
		t.Fatal(err)
	}
	ghost := steps[1]
	ghost.after = 14 * time.Second
	check(ghost)
	check(get("/v1/rooms/r/presence", 200, `{"total_count":0,"data":[]}`).later(time.Second))
}

func TestMeetings(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", createR)
	p := d.join("r", "u1")
	d.pass(10 * time.Second)
	q := d.join("r", "u2")
	d.pass(20 * time.Second)
	for _, session := range []string{p.SessionID, q.SessionID} {
		if err := d.Leave("r", session); err != nil {
			t.Fatal(err)
		}
	}
	people := `{"user_id":"u1","participant_id":"<uuid>","user_name":"Ann","join_time":1790845282,"duration":30},{"user_id":"u2","participant_id":"<uuid>","user_name":"Ann","join_time":1790845292,"duration":20}`
	record := func(ongoing string) string {
		return `{"id":"<uuid>","room":"r","start_time":1790845282,"duration":30,"ongoing":` + ongoing + `,"max_participants":2`
	}
	for _, s := range []step{
		get("/v1/meetings?room=r", 200, `{"total_count":1,"data":[`+record("true")+`,"participants":[`+people+`]}]}`).later(19 * time.Second),
		get("/v1/meetings?room=r&ongoing=false", 200, `{"total_count":0,"data":[]}`),
		get("/v1/meetings?room=r&ongoing=false&no_participants=true", 200, `{"total_count":1,"data":[`+record("false")+`}]}`).later(time.Second),
		get("/v1/meetings/"+p.MeetingID, 200, record("false")+`}`),
		get("/v1/meetings/"+p.MeetingID+"/participants?limit=1", 200, `{"data":[`+strings.SplitAfter(people, "},")[0][:strings.Index(people, "},")+1]+`]}`),
		get("/v1/meetings/"+p.MeetingID+"/participants?joined_after="+q.SessionID, 404, `{"error":"not-found","info":"no more participants"}`),
		get("/v1/meetings/x", 404, `{"error":"not-found","info":"meeting not found"}`),
		get("/v1/meetings?timeframe_start=1790845283", 200, `{"total_count":0,"data":[]}`),
	} {
		d.pass(s.after)
		if status, body := d.call(s.method, s.path, s.body); status != s.status || anonymous(body) != s.want {
			t.Errorf("%s: %d\n%s, want\n%s", s.path, status, anonymous(body), s.want)
		}
	}
}

func TestInCallEndpointsLag(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", createR)
	d.join("r", "u1")
	for _, s := range []step{
		post("/v1/rooms/r/recordings/start", `{"maxDuration":60}`, 404, notInR),
		post("/v1/rooms/r/recordings/stop", ``, 400, bad("no recording is running")).later(5 * time.Second),
		post("/v1/rooms/r/recordings/start", `{"maxDuration":60}`, 200, `{"status":"sent"}`),
		post("/v1/rooms/r/recordings/update", `{}`, 200, `{"status":"sent"}`),
		post("/v1/rooms/r/recordings/stop", ``, 200, `{"status":"sent"}`),
		post("/v1/rooms/r/recordings/stop", ``, 400, bad("no recording is running")),
		post("/v1/rooms/r/send-app-message", `{"data":{"a":1}}`, 200, `{"sent":"true"}`),
		post("/v1/rooms/r/send-app-message", `{"data":{"a":"`+strings.Repeat("x", 4096)+`"}}`, 400, bad("data is larger than 4096 bytes")),
		post("/v1/rooms/r/set-session-data", `{"data":{"a":1,"b":2}}`, 200, `{"sent":"true"}`),
		post("/v1/rooms/r/set-session-data", `{"data":{"c":3},"mergeStrategy":"shallow-merge","keysToDelete":["a"]}`, 200, `{"sent":"true"}`),
		get("/v1/rooms/r/get-session-data", 200, `{"data":{"b":2,"c":3}}`),
		post("/v1/rooms/r/update-permissions", `{"data":{"*":{"canSend":false}}}`, 200, `{"status":"sent"}`),
	} {
		d.pass(s.after)
		if status, body := d.call(s.method, s.path, s.body); status != s.status || body != s.want {
			t.Errorf("%s %s: %d %s, want %s", s.path, s.body, status, body, s.want)
		}
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	d := setup(t)
	var specs []string
	for i := range 250 {
		specs = append(specs, fmt.Sprintf(`{"name":"r%d"}`, i))
	}
	if status, body := d.call("POST", "/v1/batch/rooms", `{"rooms":[`+strings.Join(specs, ",")+`]}`); status != http.StatusOK {
		t.Fatal(body)
	}
	d.pass(time.Second)
	d.must("POST", "/v1/rooms", `{"name":"newest"}`)
	var ids []string
	seen := map[string]bool{}
	query := ""
	for {
		list := d.must("GET", "/v1/rooms?limit=100"+query, "")
		data, _ := list["data"].([]any)
		if len(data) == 0 {
			break
		}
		if list["total_count"] != 251.0 {
			t.Fatalf("total_count %v, want 251", list["total_count"])
		}
		for _, v := range data {
			fields, _ := v.(map[string]any)
			id, _ := fields["id"].(string)
			if len(ids) == 0 && fields["name"] != "newest" {
				t.Errorf("first is %v, want the newest", fields["name"])
			}
			ids = append(ids, id)
			seen[id] = true
		}
		query = "&starting_after=" + ids[len(ids)-1]
		// A cursor stays good when its room goes.
		if len(ids) == 100 {
			fields, _ := data[99].(map[string]any)
			d.must("DELETE", fmt.Sprintf("/v1/rooms/%v", fields["name"]), "")
			d.must("POST", "/v1/rooms", `{"name":"meanwhile"}`)
		}
	}
	if len(ids) != 251 || len(seen) != 251 {
		t.Errorf("%d rooms listed, %d of them different, want 251", len(ids), len(seen))
	}
	before := d.must("GET", "/v1/rooms?limit=2&ending_before="+ids[3], "")
	data, _ := before["data"].([]any)
	var got []string
	for _, v := range data {
		fields, _ := v.(map[string]any)
		id, _ := fields["id"].(string)
		got = append(got, id)
	}
	if diff := cmp.Diff(ids[1:3], got); diff != "" {
		t.Errorf("the page before (-want +got):\n%s", diff)
	}
	oldest := d.must("GET", "/v1/rooms?limit=1&ending_before=OLDEST", "")
	data, _ = oldest["data"].([]any)
	fields, _ := data[0].(map[string]any)
	if fields["id"] != ids[250] {
		t.Errorf("OLDEST is %v, want %v", fields["id"], ids[250])
	}
}

func TestDeletingARoomPutsEverybodyOut(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", createR)
	d.join("r", "u1")
	d.must("DELETE", "/v1/rooms/r", "")
	want := []string{"room created", "meeting started", "participant joined", "room deleted", "participant ejected", "meeting ended"}
	if diff := cmp.Diff(want, d.events()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	record := d.Rooms()[0]
	if record.State != emulator.RoomDeleted || record.DeletedAt == nil || len(record.Inside) != 0 {
		t.Errorf("record: %+v", record)
	}
}
