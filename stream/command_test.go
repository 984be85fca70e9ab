package stream

import (
	"fmt"
	"testing"

	"github.com/coder/websocket"

	"greenroom/avatarserver"
)

func TestBadFramesHurtNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.connect(w.started())
	for frame, code := range map[string]Code{
		``:                            CodeBadFrame,
		"\x00\x01\xff":                CodeBadFrame,
		`{"type": "agent.speak", "a`:  CodeBadFrame,
		`[]`:                          CodeBadFrame,
		`{"type": "agent.dance"}`:     CodeUnknownType,
		`{"type": "session.created"}`: CodeUnknownType,
		`{"type": "agent.speak", "audio": "no base64!"}`:                                    CodeInvalidInput,
		`{"type": "agent.speak", "audio": "AAAA"}`:                                          CodeInvalidInput,
		`{"type": "agent.speak", "audio": ""}`:                                              CodeInvalidInput,
		`{"type": "agent.speak", "audio": "AAA=", "sample_rate": 0}`:                        CodeInvalidInput,
		`{"type": "agent.speak", "audio": "AAA=", "sample_rate": 96000}`:                    CodeInvalidInput,
		`{"type": "agent.speak"}`:                                                           CodeInvalidInput,
		`{"type": "session.init", "session_id": "sess_x", "access_token": "gr_sess_guess"}`: CodeBadFrame,
	} {
		c.send(frame)
		c.fails("", code)
	}
	if err := c.write(websocket.MessageBinary, make([]byte, 3_000_000)); err != nil {
		t.Fatal(err)
	}
	c.fails("", CodeBadFrame)
	c.send(`{"type": "agent.speak", "audio": "AAA=", "id": "it goes on"}`)
	c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 1, ID: "it goes on"})
}

func TestAvatar(t *testing.T) {
	t.Parallel()
	t.Run("IsNotThereBeforeTheStart", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.sandbox()
		of := w.create(nil)
		c := w.connect(of)
		c.speak("early", 160, 16000)
		c.fails("early", CodeAvatarNotReady)
		c.send(`{"type": "agent.interrupt"}`)
		c.fails("", CodeAvatarNotReady)
		w.start(of)
		c.speak("now", 160, 16000) // whoever was told that it is started need not wait
		c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 160, ID: "now"})
	})
	t.Run("IsLost", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		stop := w.sandbox()
		of := w.create(nil)
		w.start(of)
		c := w.connect(of)
		stop()
		c.speak("lost", 160, 16000)
		c.fails("lost", CodeRelayLost)
		c.send(`{"type": "agent.interrupt", "id": "lost too"}`)
		c.fails("lost too", CodeRelayLost)
		c.send(`{"type": "session.keep_alive"}`)
		if got := c.receive(); got.Type != "session.keep_alive.confirmed" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("DiesWhileItIsSpokenTo", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		p := w.puppet()
		of := w.create(nil)
		w.start(of)
		c := w.connect(of)
		c.speak("sent", 1000, 16000)
		c.speak("waits", 1000, 16000)
		next[avatarserver.Chunk](p)
		p.die()
		c.fails("sent", CodeRelayLost)
		c.fails("waits", CodeRelayLost)
	})
	t.Run("SaysWhatIsWrongInItsOwnWords", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		p := w.puppet()
		of := w.create(nil)
		w.start(of)
		c := w.connect(of)
		c.send(`{"type": "agent.speak", "id": "a", "text": "hi"}`)
		head := next[avatarserver.Speak](p)
		p.send(avatarserver.CommandFailed{Address: head.Address, Command: head.Command, Code: "NO_VOICE", Message: "this one cannot speak text"})
		c.expect(answer{Type: "error", Code: "NO_VOICE", Error: "this one cannot speak text", ID: "a"})
	})
}

// A distant avatar server confirms late: what follows is on its way meanwhile, and answers keep
// their order whichever confirmation comes first.
func TestSpeechesFollowEachOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := w.puppet()
	of := w.create(nil)
	w.start(of)
	c := w.connect(of)
	ids := []string{"a", "b", "c"}
	var heads []avatarserver.Speak
	for i, id := range ids {
		c.speak(id, 100, 16000)
		heads = append(heads, next[avatarserver.Speak](p))
		if chunk := next[avatarserver.Chunk](p); chunk.Command != heads[i].Command || !chunk.Last {
			t.Fatalf("speech %s is followed by %+v", id, chunk)
		}
	}
	c.send(`{"type": "agent.speak", "id": "wrong"}`)
	for i := len(heads) - 1; i >= 0; i-- {
		p.send(avatarserver.SpeakConfirmed{Address: heads[i].Address, Command: heads[i].Command, AudioSamples: 100 + i})
	}
	for i, id := range ids {
		c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 100 + i, ID: id})
	}
	c.fails("wrong", CodeInvalidInput)
}

// spent is a stream whose avatar server has taken a megabyte of audio and gives no credit back:
// what comes next has to wait.
func (w *world) spent(p *puppet) (pair, *client) {
	w.t.Helper()
	of := w.create(nil)
	w.start(of)
	c := w.connect(of)
	c.speak("spent", avatarserver.CreditWindow/2, 48000)
	head := next[avatarserver.Speak](p)
	p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 1})
	c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 1, ID: "spent"})
	return of, c
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	t.Run("OvertakesWhatWaits", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		p := w.puppet()
		_, c := w.spent(p)
		for _, id := range []string{"a", "b", "c"} {
			c.speak(id, 10_000, 16000)
		}
		c.send(`{"type": "agent.interrupt", "id": "first"}`)
		c.send(`{"type": "agent.speak", "id": "wrong"}`)
		c.speak("d", 10_000, 16000)
		c.send(`{"type": "agent.interrupt", "id": "second"}`)
		for _, id := range []string{"a", "b", "c"} {
			c.fails(id, CodeInterrupted)
		}
		stop := next[avatarserver.Interrupt](p)
		p.send(avatarserver.InterruptConfirmed(stop))
		c.expect(answer{Type: "agent.interrupt.confirmed", ID: "first"})
		c.fails("wrong", CodeInvalidInput)
		c.fails("d", CodeInterrupted)
		p.send(avatarserver.InterruptConfirmed(next[avatarserver.Interrupt](p)))
		c.expect(answer{Type: "agent.interrupt.confirmed", ID: "second"})
		// What was cancelled never comes, not even after credit.
		p.send(avatarserver.Credit{Address: stop.Address, Bytes: avatarserver.CreditWindow})
		c.speak("after", 5, 16000)
		for {
			chunk := next[avatarserver.Chunk](p)
			if len(chunk.PCM) == 10 {
				p.send(avatarserver.SpeakConfirmed{Address: chunk.Address, Command: chunk.Command, AudioSamples: 5})
				break
			}
			if len(chunk.PCM) == 20_000 && chunk.Last {
				t.Error("a cancelled speech was sent whole")
			}
		}
		c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 5, ID: "after"})
	})
	t.Run("OvertakesTheRestOfALargeSpeech", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.LargeFrames = 1 })
		p := w.puppet()
		_, c := w.spent(p)
		for range 3 { // each leaves its slot to the next
			c.speak("large", 2_000_000, 16000)
			next[avatarserver.Speak](p)
			c.send(`{"type": "agent.interrupt"}`)
			c.fails("large", CodeInterrupted)
			p.send(avatarserver.InterruptConfirmed(next[avatarserver.Interrupt](p)))
			c.expect(answer{Type: "agent.interrupt.confirmed"})
		}
	})
}

// A client that sends faster than its avatar server takes it has to wait, and costs no more
// memory than is allowed.
func TestPendingIsBounded(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]struct{ speeches, samples int }{"ManySmall": {200, 10}, "SomeOfMiddleSize": {20, 200_000}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			p := w.puppet()
			of, c := w.spent(p)
			go func() {
				for i := range size.speeches {
					c.speak(fmt.Sprint(i), size.samples, 16000)
				}
			}()
			q := &w.conn(of).queue
			w.eventually("the queue is full", q.isFull)
			for i := range size.speeches {
				q.mu.Lock()
				line, audio := len(q.line), q.audio
				q.mu.Unlock()
				if line > maxPending || audio > maxPendingAudio+2*size.samples {
					t.Fatalf("%d commands with %d bytes wait", line, audio)
				}
				for {
					chunk := next[avatarserver.Chunk](p)
					p.send(avatarserver.Credit{Address: chunk.Address, Bytes: max(1, len(chunk.PCM))})
					if chunk.Command > 1 && chunk.Last {
						p.send(avatarserver.SpeakConfirmed{Address: chunk.Address, Command: chunk.Command, AudioSamples: i})
						break
					}
				}
				c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: i, ID: fmt.Sprint(i)})
			}
		})
	}
}
