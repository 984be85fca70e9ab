package emulator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"greenroom/models"
)

// control adds what Daily does not have. It asks for no key: whoever reaches an emulator may
// do anything to it.
func (e *Emulator) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /_/log", e.serveLog)
	mux.HandleFunc("GET /_/rooms", func(w http.ResponseWriter, _ *http.Request) { ok(e.Rooms()).write(w) })
	mux.HandleFunc("POST /_/rooms/{name}/join", e.serveJoin)
	mux.HandleFunc("POST /_/rooms/{name}/leave", e.serveLeave)
	mux.HandleFunc("GET /_/faults", func(w http.ResponseWriter, _ *http.Request) { ok(e.Faults()).write(w) })
	mux.HandleFunc("POST /_/faults", e.serveFaults)
	mux.HandleFunc("DELETE /_/faults", func(w http.ResponseWriter, _ *http.Request) {
		e.SetFaults()
		ok([]Fault{}).write(w)
	})
}

// serveLog answers the log, with ?after=SEQ only what came after that entry.
func (e *Emulator) serveLog(w http.ResponseWriter, r *http.Request) {
	log := e.Log()
	if after, err := strconv.Atoi(r.URL.Query().Get("after")); err == nil {
		log = slices.DeleteFunc(log, func(entry Entry) bool { return entry.Seq <= after })
	}
	ok(log).write(w)
}

// serveFaults replaces all faults by the one, or the list, in the body.
func (e *Emulator) serveFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var faults []Fault
	if err == nil {
		err = json.Unmarshal(text, &faults)
		if wrong, isOne := errors.AsType[*json.UnmarshalTypeError](err); isOne && wrong.Value == "object" {
			faults = make([]Fault, 1)
			err = json.Unmarshal(text, &faults[0])
		}
	}
	if err == nil {
		err = e.setFaults(faults)
	}
	if err != nil {
		invalid("%v", err).write(w)
		return
	}
	ok(e.Faults()).write(w)
}

// serveJoin joins as a browser would.
func (e *Emulator) serveJoin(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Token    string `json:"token"`
		UserName string `json:"user_name"`
	}
	if !readControl(w, r, &body) {
		return
	}
	p, err := e.Join(r.PathValue("name"), body.Token, body.UserName)
	if failed, isOne := errors.AsType[*JoinError](err); isOne {
		failed.reply().write(w)
		return
	}
	ok(append(object{{"meeting_id", p.MeetingID}}, p.payload()...)).write(w)
}

// serveLeave leaves as closing the browser does.
func (e *Emulator) serveLeave(w http.ResponseWriter, r *http.Request) {
	var body struct {
		SessionID string `json:"session_id"`
	}
	if !readControl(w, r, &body) {
		return
	}
	if err := e.Leave(r.PathValue("name"), body.SessionID); errors.Is(err, models.ErrNotFound) {
		refuse(http.StatusNotFound, notFound, "no such participant in this room").write(w)
		return
	}
	ok(object{{"left", true}}).write(w)
}

func readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		refuse(http.StatusBadRequest, "json-parsing-error", "").write(w)
		return false
	}
	return true
}
