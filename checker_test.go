package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"greenroom/daily/emulator"
	"greenroom/models"
)

// A stored session is a row as it is in the database.
type stored struct {
	id, metadata, roomName string
	roomURL                string
	roomState              models.RoomState
	created                models.Time
	startedAt, endedAt     *models.Time
	reason                 *string
	// events are the types of its timeline, in order.
	events []models.EventType
	// hooks are what the account was to be told of it.
	hooks []models.WebhookEventType
}

func (s *stored) live() bool { return s.endedAt == nil }

// key is the idempotency key that the session was created under: its creator put it in there.
func (s *stored) key() string {
	var metadata struct{ Key string }
	_ = json.Unmarshal([]byte(s.metadata), &metadata)
	return metadata.Key
}

// evidence is both sides: what the database holds, and what Daily knows.
type evidence struct {
	sessions map[string]*stored
	// keys are idempotency keys with the session that each is bound to.
	keys map[string]string
	// rooms are Daily's by name, and made how often each was.
	rooms map[string]emulator.RoomRecord
	made  map[string]int
	// hooks are the ids of all events that the account was to be told of.
	hooks map[string]bool
}

// open opens the database beside the server, once.
func (in *installation) open(t *testing.T) *sql.DB {
	t.Helper()
	if in.beside != nil {
		return in.beside
	}
	driver, dsn := "pgx", in.database
	if file, ok := strings.CutPrefix(in.database, "sqlite:"); ok {
		driver, dsn = "sqlite3", "file:"+file+"?_busy_timeout=10000"
	}
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	pool.SetMaxIdleConns(0) // an open connection would spare the next server SQLite's recovery
	in.beside = pool
	return pool
}

// passLeases lets the claims of the dead run out, which takes minutes otherwise, and what was put
// off be done now. No server runs meanwhile.
func (in *installation) passLeases() {
	in.t.Helper()
	pool := in.open(in.t)
	for _, statement := range []string{
		"UPDATE sessions SET room_due = 1 WHERE room_due IS NOT NULL", "UPDATE webhook_deliveries SET due = 1 WHERE due IS NOT NULL",
	} {
		if _, err := pool.ExecContext(in.t.Context(), statement); err != nil {
			in.t.Fatal(err)
		}
	}
}

// gather reads both sides: Daily first, because a room that is there has had its session before;
// then the database in one snapshot, because somebody may be writing, if only what a killed server
// had sent.
func (in *installation) gather(pool *sql.DB) *evidence {
	in.t.Helper()
	e := &evidence{sessions: map[string]*stored{}, keys: map[string]string{}, rooms: in.rooms(), made: map[string]int{}, hooks: map[string]bool{}}
	var log []emulator.Entry
	in.fetch("/_/log", &log)
	for _, entry := range log {
		if entry.Event == "room created" {
			e.made[entry.Room]++
		}
	}
	snapshot, err := pool.BeginTx(in.t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		in.t.Fatal(err)
	}
	defer func() { _ = snapshot.Rollback() }()
	in.each(snapshot, "SELECT id, metadata, room_state, room_name, room_url, created_at, started_at, ended_at, end_reason FROM sessions", func(scan func(...any) error) error {
		s := &stored{}
		err := scan(&s.id, &s.metadata, &s.roomState, &s.roomName, &s.roomURL, &s.created, &s.startedAt, &s.endedAt, &s.reason)
		e.sessions[s.id] = s
		return err
	})
	in.each(snapshot, "SELECT session_id, type FROM session_events ORDER BY session_id, revision", func(scan func(...any) error) error {
		var id string
		var what models.EventType
		err := scan(&id, &what)
		if s := e.sessions[id]; s != nil { // one that came after the first query is left out
			s.events = append(s.events, what)
		}
		return err
	})
	in.each(snapshot, "SELECT session_id, event_id, event_type FROM webhook_deliveries", func(scan func(...any) error) error {
		var id, event string
		var what models.WebhookEventType
		err := scan(&id, &event, &what)
		if s := e.sessions[id]; s != nil {
			s.hooks = append(s.hooks, what)
			e.hooks[event] = true
		}
		return err
	})
	in.each(snapshot, "SELECT key, session_id FROM idempotency_keys", func(scan func(...any) error) error {
		var key, id string
		err := scan(&key, &id)
		e.keys[key] = id
		return err
	})
	return e
}

func (in *installation) each(snapshot *sql.Tx, query string, row func(scan func(...any) error) error) {
	in.t.Helper()
	rows, err := snapshot.QueryContext(in.t.Context(), query)
	if err != nil {
		in.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			in.t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		in.t.Fatal(err)
	}
}

// fetch reads what the emulator tells of itself.
func (in *installation) fetch(path string, into any) {
	in.t.Helper()
	reply, err := http.Get(in.daily + path)
	if err != nil {
		in.t.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	if err := json.NewDecoder(reply.Body).Decode(into); err != nil {
		in.t.Fatal(err)
	}
}

// committed are the invariants of docs/reliability.md that hold in every committed state, however
// the server has just died: each line is a violation.
func (e *evidence) committed(places int) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	live, byKey := 0, map[string]int{}
	for _, s := range e.sessions {
		if s.live() {
			live++
		}
		if s.live() || *s.reason != string(models.EndProvisionFailed) {
			byKey[s.key()]++
		}
		if byKey[s.key()] > 1 {
			say("I1: key %s has %d sessions", s.key(), byKey[s.key()])
		}
		wrong = append(wrong, s.untold()...)
		ends, creates := times(s.events, models.EventEnded), times(s.events, models.EventCreated)
		if creates != 1 || s.live() != (ends == 0) || ends > 1 {
			say("I4: session %s, ended %v, has the timeline %v", s.id, !s.live(), s.events)
		}
		if !s.live() && (*s.endedAt < s.created || s.startedAt != nil && *s.endedAt < *s.startedAt) {
			say("I6: session %s ended before it began", s.id)
		}
	}
	if live > places {
		say("I2: %d sessions hold %d places", live, places)
	}
	for key, id := range e.keys {
		if s := e.sessions[id]; s == nil || s.key() != key {
			say("I1: key %s is bound to %s, which was not made under it", key, id)
		}
	}
	for name, n := range e.made {
		if n > 1 {
			say("I3: room %s was made %d times", name, n)
		}
	}
	return wrong
}

// untold is what its account is not told of a session, or too often (I4). One whose room was never
// made is not told of at all.
func (s *stored) untold() (wrong []string) {
	hasRoom := s.roomURL != ""
	for what, due := range map[models.WebhookEventType]bool{
		models.WebhookSessionCreated: hasRoom, models.WebhookSessionStarted: hasRoom && s.startedAt != nil, models.WebhookSessionEnded: hasRoom && !s.live(),
	} {
		if n := times(s.hooks, what); (n == 1) != due || n > 1 {
			wrong = append(wrong, fmt.Sprintf("I4: of session %s %s is to be told %d times", s.id, what, n))
		}
	}
	return wrong
}

// told compares what the account's server was sent with what it was to be told (I4): each event
// at least once, and under its one id.
func (e *evidence) told(calls []hooked) (wrong []string) {
	sent := map[string]bool{}
	for _, c := range calls {
		sent[c.id] = true
		if !c.verified || !e.hooks[c.id] {
			wrong = append(wrong, fmt.Sprintf("I4: %s %s was sent, verified %v, known %v", c.kind, c.id, c.verified, e.hooks[c.id]))
		}
	}
	for id := range e.hooks {
		if !sent[id] {
			wrong = append(wrong, "I4: event "+id+" was not sent")
		}
	}
	return wrong
}

// settled are those that hold once the server has had the time to clean up.
func (e *evidence) settled() (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	wanted := map[string]bool{}
	for _, s := range e.sessions {
		if !s.live() {
			continue
		}
		wanted[s.roomName] = true
		if room := e.rooms[s.roomName]; room.State != emulator.RoomLive || s.roomState != models.RoomReady {
			say("I3: session %s is live, its room %q is %q here and %q at Daily", s.id, s.roomName, s.roomState, room.State)
		}
	}
	for name, room := range e.rooms {
		if room.State == emulator.RoomLive && !wanted[name] {
			say("I3: room %s is live at Daily and belongs to no live session", name)
		}
	}
	return wrong
}

// kept are the promises of I7: what was acknowledged is there.
func (e *evidence) kept(known map[string]*told) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for key, of := range known {
		s := e.sessions[of.id]
		if s == nil {
			say("I7: session %s, acknowledged under key %s, is lost", of.id, key)
			continue
		}
		var metadata struct {
			Key string
			N   int
		}
		if err := json.Unmarshal([]byte(s.metadata), &metadata); err != nil || metadata.Key != key ||
			metadata.N != of.n && metadata.N != of.tried {
			say("I7: session %s has the metadata %s, acknowledged was n = %d", of.id, s.metadata, of.n)
		}
		if of.ended && s.live() {
			say("I7: the end of session %s is lost", of.id)
		}
		if !of.asked && !s.live() {
			say("I7: session %s ended as %s, and nobody asked for it", of.id, *s.reason)
		}
		if of.started && s.startedAt == nil {
			say("I7: the start of session %s is lost", of.id)
		}
		if e.keys[key] != of.id {
			say("I1: key %s made %s and is bound to %q", key, of.id, e.keys[key])
		}
	}
	return wrong
}

func times[T comparable](events []T, what T) int {
	n := 0
	for _, e := range events {
		if e == what {
			n++
		}
	}
	return n
}
