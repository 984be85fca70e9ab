package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"greenroom/models"
)

// maxBody is room for a batch of 1000 rooms.
const maxBody = 4 << 20

// A call is one request to the API, its body read.
type call struct {
	r    *http.Request
	body []byte
	// name is the room in the path; empty when there is none.
	name string
	now  models.Time
}

// A route is one endpoint.
type route struct {
	pattern string
	tier    tier
	// handle runs with mu held, unless free is set.
	handle func(*call) reply
	free   bool
	// path is logged in place of the real one, which holds a token.
	path string
}

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range e.table() {
		mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, rt) })
	}
	e.roomPages(mux)
	e.control(mux)
	return mux
}

func (e *Emulator) table() []route {
	return []route{
		{pattern: "GET /v1", handle: e.readDomain},
		{pattern: "GET /v1/{$}", handle: e.readDomain},
		{pattern: "POST /v1", handle: e.updateDomain},
		{pattern: "POST /v1/{$}", handle: e.updateDomain},
		{pattern: "GET /v1/rooms", handle: e.listRooms},
		{pattern: "POST /v1/rooms", handle: e.createRoom},
		{pattern: "GET /v1/rooms/{name}", handle: e.readRoom},
		{pattern: "POST /v1/rooms/{name}", handle: e.updateRoom},
		{pattern: "DELETE /v1/rooms/{name}", handle: e.deleteRoom, tier: deletes},
		{pattern: "POST /v1/batch/rooms", handle: e.createBatch},
		{pattern: "DELETE /v1/batch/rooms", handle: e.deleteBatch},
		{pattern: "POST /v1/rooms/{name}/eject", handle: e.eject},
		{pattern: "GET /v1/rooms/{name}/presence", handle: e.roomPresence},
		{pattern: "GET /v1/presence", handle: e.presence},
		{pattern: "POST /v1/rooms/{name}/send-app-message", handle: e.sendMessage},
		{pattern: "GET /v1/rooms/{name}/get-session-data", handle: e.readSessionData},
		{pattern: "POST /v1/rooms/{name}/set-session-data", handle: e.writeSessionData},
		{pattern: "POST /v1/rooms/{name}/update-permissions", handle: e.updatePermissions},
		{pattern: "POST /v1/rooms/{name}/recordings/start", handle: e.startRecording, tier: starts},
		{pattern: "POST /v1/rooms/{name}/recordings/update", handle: e.updateRecording},
		{pattern: "POST /v1/rooms/{name}/recordings/stop", handle: e.stopRecording},
		{pattern: "GET /v1/recordings", handle: e.listRecordings, tier: deletes},
		{pattern: "GET /v1/meetings", handle: e.listMeetings},
		{pattern: "GET /v1/meetings/{id}", handle: e.readMeeting},
		{pattern: "GET /v1/meetings/{id}/participants", handle: e.meetingParticipants},
		{pattern: "POST /v1/meeting-tokens", handle: e.mintToken},
		{pattern: "GET /v1/meeting-tokens/{token}", handle: e.readToken, path: "/v1/meeting-tokens/…"},
		{pattern: "GET /v1/webhooks", handle: e.listWebhooks},
		{pattern: "POST /v1/webhooks", handle: e.createWebhook, free: true},
		{pattern: "GET /v1/webhooks/{id}", handle: e.readWebhook},
		{pattern: "POST /v1/webhooks/{id}", handle: e.updateWebhook, free: true},
		{pattern: "DELETE /v1/webhooks/{id}", handle: e.deleteWebhook},
		// What is asked for here may be anything, a token too.
		{pattern: "/", handle: func(*call) reply { return refuse(http.StatusNotFound, notFound, "") }, path: "unknown"},
	}
}

// serve answers one call to the API and logs it.
func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, rt route) {
	began := time.Now()
	c := &call{r: r, name: r.PathValue("name")}
	var tooLarge error
	c.body, tooLarge = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if rt.pattern == "POST /v1/rooms" {
		c.name = namedInBody(c.body)
	}
	entry := e.begin(c, rt)
	finish := func(status int) {
		e.do(func(models.Time) { entry.Status, entry.TookMS = status, time.Since(began).Milliseconds() })
	}
	rep, admitted := e.admit(c, rt)
	switch {
	case tooLarge != nil:
		rep = refuse(http.StatusBadRequest, "json-parsing-error", "")
	case admitted:
		if fault := e.takeFault(r, entry); fault != nil {
			e.play(w, c, rt, *fault, finish)
			return
		}
		rep = e.perform(c, rt)
	}
	finish(rep.status)
	rep.write(w)
}

// begin logs that a call has come in.
func (e *Emulator) begin(c *call, rt route) *Entry {
	var entry *Entry
	e.do(func(now models.Time) {
		path := c.r.URL.Path
		if rt.path != "" {
			path = rt.path
		}
		entry = e.log.add(Entry{At: now, Method: c.r.Method, Path: path, Room: c.name})
	})
	return entry
}

// admit checks key and rate.
func (e *Emulator) admit(c *call, rt route) (reply, bool) {
	if rep, ok := e.authorize(c.r); !ok {
		return rep, false
	}
	if !e.limits[rt.tier].take() {
		return e.tooMany(e.cfg.Knobs.RetryAfter), false
	}
	return reply{}, true
}

func (e *Emulator) tooMany(after time.Duration) reply {
	rep := refuse(http.StatusTooManyRequests, "rate-limit-error", "")
	if after > 0 {
		seconds := (after + time.Second - 1) / time.Second
		rep.header = map[string]string{"Retry-After": strconv.Itoa(int(seconds))}
	}
	return rep
}

// perform does what the call asks for.
func (e *Emulator) perform(c *call, rt route) (rep reply) {
	if rt.free {
		e.do(func(now models.Time) { c.now = now })
		return rt.handle(c)
	}
	e.do(func(now models.Time) {
		c.now = now
		rep = rt.handle(c)
	})
	return rep
}

// decode reads a body into v, whose unknown fields are refused when strict; no body is {}.
// Numbers stay as they were given.
func (c *call) decode(v any) error {
	text := bytes.TrimSpace(c.body)
	if len(text) == 0 {
		text = []byte("{}")
	}
	if !json.Valid(text) {
		return &refusal{refuse(http.StatusBadRequest, "json-parsing-error", "")}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return &refusal{invalid("the body does not have the form that is expected")}
	}
	return nil
}

// fields reads a body that is an object with these keys only.
func (c *call) fields(known ...string) (map[string]any, error) {
	var body map[string]any
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	return body, onlyKeys(body, known...)
}

// answer makes a reply of an error from the functions above.
func answer(err error) reply {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reply
	}
	return refuse(http.StatusInternalServerError, "server-error", "")
}

// namedInBody is the name that a create asks for, for the log.
func namedInBody(body []byte) string {
	var b struct{ Name string }
	if json.Unmarshal(body, &b) != nil || checkName(b.Name) != nil {
		return ""
	}
	return b.Name
}
