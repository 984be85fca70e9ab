package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"greenroom/avatarserver"
)

// An avatarBank is avatar servers as light as can be: they are ready at once, count what they
// hear and throw it away.
type avatarBank struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	// heard is called with the first bytes of each speech once all of it is here.
	heard func(head []byte)

	mu     sync.Mutex
	failed error
}

// dialAvatars has count avatar servers dial in, each with places for all sessions: Greenroom
// spreads them evenly. It returns when all are welcome.
func dialAvatars(ctx context.Context, p *plant, count, capacity int, heard func(head []byte)) (*avatarBank, error) {
	ctx, stop := context.WithCancel(ctx)
	bank := &avatarBank{stop: stop, heard: heard}
	for i := range count {
		ws, err := dialAvatar(ctx, p, fmt.Sprintf("bench-%d", i), capacity)
		if err != nil {
			return bank, errors.Join(err, bank.close())
		}
		bank.running.Go(func() { bank.fail(ctx, bank.serve(ctx, ws)) })
		bank.running.Go(func() { bank.fail(ctx, beat(ctx, ws)) })
	}
	return bank, nil
}

func dialAvatar(ctx context.Context, p *plant, instance string, capacity int) (*wire, error) {
	address := "ws" + strings.TrimPrefix(p.url, "http") + avatarserver.Path
	ws, err := dial(ctx, address, &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + p.avatarKey}},
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(avatarserver.MaxControl)
	hello := avatarserver.Hello{
		Protocol: avatarserver.Protocol, Name: instance, Instance: instance, Capacity: capacity,
		Avatars: avatarserver.Avatars{All: true}, Sessions: []avatarserver.Ref{},
	}
	if err := put(ctx, ws, hello); err != nil {
		return nil, err
	}
	_, _, err = ws.Read(ctx) // the welcome; it keeps nothing, as nothing was said to be there
	return ws, err
}

func put(ctx context.Context, ws *wire, f avatarserver.Frame) error {
	return ws.Write(ctx, websocket.MessageText, avatarserver.Encode(f))
}

// serve takes frames until the connection ends.
func (bank *avatarBank) serve(ctx context.Context, ws *wire) error {
	defer func() { _ = ws.CloseNow() }()
	heads := map[string][]byte{} // by session, of speeches whose first chunk is here
	for {
		kind, data, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if kind == websocket.MessageBinary {
			err = bank.hear(ws, heads, data)
		} else {
			err = obey(ctx, ws, data)
		}
		if err != nil {
			return err
		}
	}
}

// obey says ready to whatever is assigned. Other control frames need no answer of their own: a
// speech is confirmed by its last chunk.
func obey(ctx context.Context, ws *wire, data []byte) error {
	f, err := avatarserver.Decode(data)
	if assign, ok := f.(avatarserver.Assign); ok {
		return put(ctx, ws, avatarserver.Ready{Address: assign.Address})
	}
	return err
}

// hear takes a piece of a speech and gives its credit back at once. What it says goes out in one
// write.
func (bank *avatarBank) hear(ws *wire, heads map[string][]byte, data []byte) error {
	c, err := avatarserver.DecodeChunk(data)
	if err != nil {
		return err
	}
	if c.Seq == 0 {
		heads[c.SessionID] = c.PCM[:min(len(c.PCM), headBytes)]
	}
	var frames []byte
	if c.Last && !c.Abandoned {
		bank.heard(heads[c.SessionID])
		frames = appendText(frames, avatarserver.Encode(avatarserver.SpeakConfirmed{
			Address: c.Address, Command: c.Command, AudioSamples: speechBytes / 2,
		}))
	}
	if len(c.PCM) > 0 {
		frames = appendText(frames, avatarserver.Encode(avatarserver.Credit{Address: c.Address, Bytes: len(c.PCM)}))
	}
	_, err = ws.net.Write(frames)
	return err
}

// beat is the sign of life of an avatar server that has nothing else to say.
func beat(ctx context.Context, ws *wire) error {
	for ticker := time.NewTicker(5 * time.Second); ; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return ctx.Err()
		case <-ticker.C:
			if err := put(ctx, ws, avatarserver.Heartbeat{}); err != nil {
				return err
			}
		}
	}
}

// fail notes why an avatar server has ended, unless it was told to.
func (bank *avatarBank) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	bank.mu.Lock()
	defer bank.mu.Unlock()
	bank.failed = errors.Join(bank.failed, err)
}

// close ends all of them, and tells whether one had ended before.
func (bank *avatarBank) close() error {
	bank.stop()
	bank.running.Wait()
	return bank.failed
}

// headBytes is how much of a speech says when it was due.
const headBytes = 8

// stamp writes the time at which a speech is due, since the measurement's beginning, over its
// first samples, so that its end needs to know nothing but the clock.
func stamp(pcm []byte, due time.Duration) {
	binary.LittleEndian.PutUint64(pcm, uint64(due)) //nolint:gosec // G115: not negative
}

func stamped(head []byte) time.Duration {
	return time.Duration(binary.LittleEndian.Uint64(head)) //nolint:gosec // G115: as above
}
