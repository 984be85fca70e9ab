package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/coder/websocket/wsjson"
)

// A speaker is a session's client on its stream.
type speaker struct{ ws *wire }

// dialSpeaker creates a session, starts it and opens its stream.
func dialSpeaker(ctx context.Context, p *plant) (*speaker, error) {
	id, token, err := p.create()
	if err != nil {
		return nil, err
	}
	address, err := p.start(id)
	if err != nil {
		return nil, err
	}
	ws, err := dial(ctx, address, nil)
	if err != nil {
		return nil, err
	}
	s := &speaker{ws}
	err = wsjson.Write(ctx, ws.Conn, map[string]string{"type": "session.init", "session_id": id, "access_token": token})
	var got spoken
	if err == nil {
		err = wsjson.Read(ctx, ws.Conn, &got)
	}
	if err == nil && got.Type != "connection.established" {
		err = fmt.Errorf("session.init was answered %+v", got)
	}
	return s, err
}

func closeAll(speakers []*speaker) {
	for _, s := range speakers {
		if s != nil {
			_ = s.ws.CloseNow()
		}
	}
}

// speak sends one speech after another, the first at its time, until the measurement's end. The
// speech's id says when it was due, as its audio does.
func (s *speaker) speak(ctx context.Context, l *streamLoad, first time.Duration, fail func(error)) {
	pcm := make([]byte, speechBytes)
	var text, frame []byte
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for due := first; due < l.WarmUp+l.For; due += l.Interval {
		if wait := due - time.Since(l.began); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		}
		stamp(pcm, due)
		text = append(text[:0], `{"type":"agent.speak","sample_rate":16000,"id":"`...)
		text = strconv.AppendInt(text, int64(due), 10)
		text = append(text, `","audio":"`...)
		text = base64.StdEncoding.AppendEncode(text, pcm)
		text = append(text, `"}`...)
		frame = appendText(frame[:0], text)
		l.take(&l.late, due)
		l.sent.Add(1)
		if _, err := s.ws.net.Write(frame); err != nil {
			fail(fmt.Errorf("speak: %w", err))
			return
		}
	}
}

// spoken is what comes back over the stream.
type spoken struct{ Type, ID, Code, Error string }

// listen takes answers until ctx ends.
func (s *speaker) listen(ctx context.Context, l *streamLoad, fail func(error)) {
	for {
		_, data, err := s.ws.Read(ctx)
		if err != nil {
			fail(fmt.Errorf("listen: %w", err))
			return
		}
		var got spoken
		if err := json.Unmarshal(data, &got); err != nil {
			fail(fmt.Errorf("listen: %w", err))
			return
		}
		due, err := strconv.ParseInt(got.ID, 10, 64)
		if err != nil {
			continue // no answer to a speech
		}
		l.answered.Add(1)
		if got.Type == "agent.speak.confirmed" {
			l.take(&l.confirmed, time.Duration(due))
		} else {
			l.refused.Add(1)
		}
	}
}
