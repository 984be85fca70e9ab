package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"greenroom/auth"
	"greenroom/config"
	"greenroom/daily/emulator"
)

type demoCommand struct{}

// Run plays one session's whole life: created, started, spoken through, ended. It fails when
// any step does.
func (*demoCommand) Run(t *terminal) (err error) {
	dir, err := os.MkdirTemp("", "greenroom-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, cancel := context.WithTimeout(t.ctx, time.Minute)
	defer cancel()
	var cli commands
	_, err = config.Parse(&cli, []string{
		"serve", "--dev", "--listen=127.0.0.1:0", "--admin-listen=off", "--log-level=error",
		"--database=sqlite:" + filepath.Join(dir, "demo.db"),
	}, nil, t.out)
	if err != nil {
		return err
	}
	s, err := start(ctx, &cli.Serve.Config, t.logs)
	if err != nil {
		return err
	}
	defer s.stop()
	d := &demo{ctx: ctx, t: t, server: s}
	for _, step := range []func() error{d.awaitReady, d.create, d.join, d.start, d.speak, d.read, d.end, d.roomIsGone} {
		if err := step(); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	return d.say("Done", "one session, created, started, spoken through and ended; nothing is left", nil)
}

// A demo is one session on its way. All it does goes over the public API, with one exception: a
// guest joins the emulated room as a browser would.
type demo struct {
	ctx         context.Context // the demo's own
	t           *terminal
	server      *server
	sessionID   string
	accessToken string
	wsURI       string
	room        struct{ Name, URL, Token string }
}

// say prints a step for people, or with --json its facts.
func (d *demo) say(step, text string, facts map[string]any) error {
	row := map[string]any{"step": step}
	for k, v := range facts {
		row[k] = v
	}
	return d.t.show(row, "%-8s %s", step, text)
}

// call runs one operation over HTTP and decodes its data into answer.
func (d *demo) call(credential, query string, variables map[string]any, answer any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(d.ctx, http.MethodPost, d.server.base+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+credential)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = reply.Body.Close() }()
	var envelope struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(reply.Body).Decode(&envelope); err != nil {
		return fmt.Errorf("HTTP %d: %w", reply.StatusCode, err)
	}
	if len(envelope.Errors) > 0 {
		return fmt.Errorf("HTTP %d: %s", reply.StatusCode, envelope.Errors[0].Message)
	}
	return json.Unmarshal(envelope.Data, answer)
}

// refusals are a payload's userErrors.
type refusals []struct{ Code, Message string }

func (r refusals) err() error {
	if len(r) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", r[0].Code, r[0].Message)
}

// awaitReady waits until the emulated Daily is known and the built-in avatar server has dialled
// in, as a load balancer and an operator would.
func (d *demo) awaitReady() error {
	for d.server.sessions.Readiness() != nil || len(d.server.registry.Servers()) == 0 {
		select {
		case <-d.ctx.Done():
			return errors.New("the server was not ready in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return d.say("Ready", d.server.base+"/graphql, with an emulated Daily and the built-in avatar server", map[string]any{"url": d.server.base})
}

func (d *demo) create() error {
	var avatars struct {
		Avatars struct{ Nodes []struct{ ID, Name string } }
	}
	if err := d.call(auth.DevKey, `{ avatars(last: 1) { nodes { id name } } }`, nil, &avatars); err != nil {
		return err
	}
	if len(avatars.Avatars.Nodes) == 0 {
		return errors.New("there is no avatar")
	}
	avatar := avatars.Avatars.Nodes[0]
	var made struct {
		CreateSession struct {
			Session *struct {
				ID, Status string
				DailyRoom  struct{ Name, URL, Token string }
			}
			AccessToken string
			UserErrors  refusals
		}
	}
	err := d.call(auth.DevKey, `mutation ($avatar: ID!) {
		createSession(input: {avatarId: $avatar, metadata: {user_name: "John Doe"}, idempotencyKey: "demo"}) {
			session { id status dailyRoom { name url token } }
			accessToken
			userErrors { code message }
		}
	}`, map[string]any{"avatar": avatar.ID}, &made)
	if err = errors.Join(err, made.CreateSession.UserErrors.err()); err != nil {
		return err
	}
	session := made.CreateSession.Session
	d.sessionID, d.accessToken, d.room = session.ID, made.CreateSession.AccessToken, session.DailyRoom
	return d.say("Created", fmt.Sprintf("%s with %s, room %s", session.ID, avatar.Name, session.DailyRoom.URL),
		map[string]any{"session": session.ID, "status": session.Status, "room": session.DailyRoom.URL})
}

func (d *demo) join() error {
	if _, err := d.server.dev.emulator.Join(d.room.Name, d.room.Token, "John Doe"); err != nil {
		return fmt.Errorf("join the room: %w", err)
	}
	return d.say("Joined", "John Doe is in the room, with its token", nil)
}

// start uses the access token, as a phone does.
func (d *demo) start() error {
	var started struct {
		StartSession struct {
			Session    struct{ Status, AvatarState, Expiration string }
			WSURI      string
			UserErrors refusals
		}
	}
	err := d.call(d.accessToken, `mutation ($id: ID!) {
		startSession(input: {id: $id}) { session { status avatarState expiration } wsUri userErrors { code message } }
	}`, map[string]any{"id": d.sessionID}, &started)
	if err = errors.Join(err, started.StartSession.UserErrors.err()); err != nil {
		return err
	}
	s := started.StartSession
	d.wsURI = s.WSURI
	return d.say("Started", fmt.Sprintf("avatar %s, until %s, commands to %s", s.Session.AvatarState, s.Session.Expiration, s.WSURI),
		map[string]any{"status": s.Session.Status, "avatarState": s.Session.AvatarState, "wsUri": s.WSURI})
}

// speak opens the stream as a phone does, and sends one second of a 440 Hz tone at 48 kHz.
func (d *demo) speak() (err error) {
	ws, _, err := websocket.Dial(d.ctx, d.wsURI, nil) //nolint:bodyclose // Dial closes it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ws.Close(websocket.StatusNormalClosure, "")) }()
	const rate, pitch = 48_000, 440
	pcm := make([]byte, 0, 2*rate)
	for i := range rate {
		sample := int16(8000 * math.Sin(2*math.Pi*pitch*float64(i)/rate))
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(sample)) //nolint:gosec // G115: two's complement is the format
	}
	hello := map[string]any{"type": "session.init", "session_id": d.sessionID, "access_token": d.accessToken}
	if _, err := d.exchange(ws, hello, "connection.established"); err != nil {
		return err
	}
	// In JSON, Go writes bytes as base64.
	speech := map[string]any{"type": "agent.speak", "audio": pcm, "sample_rate": rate}
	confirmed, err := d.exchange(ws, speech, "agent.speak.confirmed")
	if err != nil {
		return err
	}
	return d.say("Spoken", fmt.Sprintf("1 s of a tone through the stream: %d samples confirmed", confirmed.AudioSamples),
		map[string]any{"audioSamples": confirmed.AudioSamples})
}

// A streamFrame is what comes back over the stream.
type streamFrame struct {
	Type, Code, Error string
	AudioSamples      int `json:"audio_samples"`
}

// exchange sends a frame over the stream and takes the answer, which has to be of that type.
func (d *demo) exchange(ws *websocket.Conn, frame map[string]any, want string) (got streamFrame, err error) {
	if err = wsjson.Write(d.ctx, ws, frame); err == nil {
		err = wsjson.Read(d.ctx, ws, &got)
	}
	if err == nil && got.Type != want {
		err = fmt.Errorf("%s was answered %s %s: %s", frame["type"], got.Type, got.Code, got.Error)
	}
	return got, err
}

func (d *demo) read() error {
	var answer struct {
		Viewer struct {
			Session struct {
				Status   string
				Avatar   struct{ Name string }
				Metadata map[string]any
				Events   []struct{ Type string }
			}
		}
	}
	err := d.call(d.accessToken, `{ viewer { session { status avatar { name } metadata events { type } } } }`, nil, &answer)
	if err != nil {
		return err
	}
	s := answer.Viewer.Session
	timeline := make([]string, len(s.Events))
	for i, e := range s.Events {
		timeline[i] = e.Type
	}
	return d.say("Read", fmt.Sprintf("%s with %s for %v, timeline %v", s.Status, s.Avatar.Name, s.Metadata["user_name"], timeline),
		map[string]any{"status": s.Status, "timeline": timeline})
}

func (d *demo) end() error {
	var ended struct {
		EndSession struct {
			Session struct {
				Status, EndReason string
				Duration          int
				DailyRoom         struct{ Token *string }
			}
			UserErrors refusals
		}
	}
	err := d.call(d.accessToken, `mutation ($id: ID!) {
		endSession(input: {id: $id}) { session { status endReason duration dailyRoom { token } } userErrors { code message } }
	}`, map[string]any{"id": d.sessionID}, &ended)
	if err = errors.Join(err, ended.EndSession.UserErrors.err()); err != nil {
		return err
	}
	s := ended.EndSession.Session
	if s.Status != "ENDED" || s.DailyRoom.Token != nil {
		return fmt.Errorf("the session is %s, and its room's token %v", s.Status, s.DailyRoom.Token)
	}
	return d.say("Ended", fmt.Sprintf("%s after %d s", s.EndReason, s.Duration), map[string]any{"endReason": s.EndReason, "duration": s.Duration})
}

// roomIsGone waits until Daily has put everybody out and deleted the room.
func (d *demo) roomIsGone() error {
	for {
		for _, room := range d.server.dev.emulator.Rooms() {
			if room.Name == d.room.Name && room.State == emulator.RoomDeleted && len(room.Inside) == 0 {
				return d.say("Released", "the room is deleted, everybody is out, the avatar server is free", nil)
			}
		}
		select {
		case <-d.ctx.Done():
			return errors.New("the room is still there")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
