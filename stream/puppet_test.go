package stream

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"greenroom/avatarserver"
)

// A puppet is an avatar server that does what the test says: it takes sessions and is silent
// otherwise. It gives no credit back.
type puppet struct {
	t      *testing.T
	ws     *websocket.Conn
	frames chan any
	done   sync.WaitGroup
}

func (w *world) puppet() *puppet {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, w.avatars+avatarserver.Path, //nolint:bodyclose // Dial closes it
		&websocket.DialOptions{HTTPClient: w.http, HTTPHeader: http.Header{"Authorization": {"Bearer k"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	ws.SetReadLimit(avatarserver.MaxControl)
	p := &puppet{t: w.t, ws: ws, frames: make(chan any, 1000)}
	p.send(avatarserver.Hello{
		Protocol: avatarserver.Protocol, Name: "puppet", Instance: "puppet", Capacity: 10, Avatars: avatarserver.Avatars{All: true},
	})
	p.done.Go(p.play)
	w.t.Cleanup(p.die)
	w.eventually("the puppet has dialled in", func() bool { return len(w.registry.Servers()) > 0 })
	return p
}

// die breaks the connection, as a crash does.
func (p *puppet) die() {
	_ = p.ws.CloseNow()
	p.done.Wait()
}

func (p *puppet) send(f avatarserver.Frame) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.ws.Write(ctx, websocket.MessageText, avatarserver.Encode(f)); err != nil {
		p.t.Errorf("puppet: %v", err)
	}
}

// play takes every session, and shows the test what is to be spoken.
func (p *puppet) play() {
	for {
		kind, data, err := p.ws.Read(context.Background())
		if err != nil {
			return
		}
		if kind == websocket.MessageBinary {
			c, err := avatarserver.DecodeChunk(data)
			if err != nil {
				p.t.Error(err)
			}
			c.PCM = bytes.Clone(c.PCM)
			p.frames <- c
			continue
		}
		f, err := avatarserver.Decode(data)
		if err != nil {
			p.t.Error(err)
		}
		switch f := f.(type) {
		case avatarserver.Assign:
			p.send(avatarserver.Ready{Address: f.Address})
		case avatarserver.Speak, avatarserver.Interrupt:
			p.frames <- f
		}
	}
}

// next is the next frame to speak that is of this kind; others are passed over.
func next[F any](p *puppet) F {
	p.t.Helper()
	for {
		select {
		case f := <-p.frames:
			if wanted, ok := f.(F); ok {
				return wanted
			}
		case <-time.After(patience):
			p.t.Fatal("the avatar server is sent nothing")
		}
	}
}
