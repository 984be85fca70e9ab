package stream

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/coder/websocket"

	"greenroom/avatarserver"
)

func TestStream(t *testing.T) {
	t.Parallel()

	t.Run("SpeaksAndIsSilentAgain", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.started()
		c := w.dial(of.id)
		c.send(fmt.Sprintf(`{"type": "session.init", "id": "hello", "config": {"session_id": %q, "access_token": %q,
			"room": {"platform": "daily", "url": "https://x.daily.co/y", "token": "z"}, "video_width": 640}}`, of.id, of.token))
		c.expect(answer{Type: "connection.established", SessionID: of.id, ID: "hello"})
		c.speak("one", 16_000, 16_000)
		c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 16_000, ID: "one"})
		c.send(`{"type": "agent.speak", "text": "Hello"}`)
		if got := c.receive(); got.Type != "agent.speak.confirmed" || got.AudioSamples == 0 {
			t.Errorf("text: %+v", got)
		}
		c.send(`{"type": "agent.interrupt", "id": ""}`)
		c.expect(answer{Type: "agent.interrupt.confirmed"})
		c.send(`{"type": "session.keep_alive", "id": "alive"}`)
		if got := c.receive(); got.Type != "session.keep_alive.confirmed" || got.ID != "alive" || got.RemainingSeconds == nil || *got.RemainingSeconds < 3600 {
			t.Errorf("keep alive: %+v", got)
		}
		c.send(`{"type": "session.end", "id": "bye"}`)
		c.expect(answer{Type: "session.ended", EndReason: "CLIENT_ENDED", ID: "bye"})
		c.closes(CloseEnded)
		if got := w.timeline(of); got != "CLIENT_CONNECTED ENDED" {
			t.Errorf("timeline %q", got)
		}
	})

	t.Run("CountsSamplesAfterResampling", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connect(w.started())
		for _, rate := range []int{8000, 11025, 16000, 22050, 44100, 48000} {
			c.speak("", 4801, rate)
			c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: avatarserver.ResampledSamples(4801, rate)})
		}
	})

	t.Run("AnswersInOrderEachOnce", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connect(w.started())
		const frames = 300
		go func() {
			for i := range frames {
				if i%3 == 0 {
					c.send(fmt.Sprintf(`{"type": "agent.speak", "id": "%d", "audio": "?"}`, i))
				} else {
					c.speak(fmt.Sprint(i), 100+i, 16000)
				}
			}
		}()
		for i := range frames {
			if i%3 == 0 {
				c.fails(fmt.Sprint(i), CodeInvalidInput)
			} else {
				c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 100 + i, ID: fmt.Sprint(i)})
			}
		}
	})
}

// TestNothingIsLeftBehind is not parallel: it counts all goroutines of the process.
func TestNothingIsLeftBehind(t *testing.T) {
	w := setup(t)
	of := w.started()
	w.connect(of).closeWell()
	w.eventually("the first is gone", func() bool { return w.open() == 0 })
	before := runtime.NumGoroutine()
	for i := range 100 {
		c := w.connect(of)
		c.speak("", 160, 16000)
		switch i % 4 {
		case 0:
			c.closeWell()
		case 1:
			_ = c.ws.CloseNow()
		case 2:
			c.send(`{"type": "agent.interr`)
			_ = c.ws.CloseNow()
		} // and every fourth is taken over by the next
	}
	w.connect(of).closeWell()
	w.eventually("all goroutines are gone", func() bool { return w.open() == 0 && runtime.NumGoroutine() <= before })
	if free := w.free(); free != 8 {
		t.Errorf("%d slots are free", free)
	}
	w.eventually("all presences are forgotten", func() bool {
		w.streams.attendance.mu.Lock()
		defer w.streams.attendance.mu.Unlock()
		return len(w.streams.attendance.of) == 0
	})
}

func (c *client) closeWell() { _ = c.ws.Close(websocket.StatusNormalClosure, "") }
