package avatarserver_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
)

// The bytes that docs/avatar-servers.md shows.
func TestChunkIsLaidOutAsDocumented(t *testing.T) {
	t.Parallel()
	c := avatarserver.Chunk{
		Address: avatarserver.Address{SessionID: "sess_01JD8Z3QW6M2N4P5R7S9T1V3X5", Generation: 2},
		Command: 7, Seq: 1, Last: true, PCM: []byte{0x01, 0x00, 0xff, 0x7f},
	}
	const want = "01" + "01" + "0030" + "00000002" + "00000007" + "00000001" +
		"736573735f30314a44385a335157364d324e3450355237533954315633583500" + "0100ff7f"
	if got := hex.EncodeToString(c.Encode()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err := avatarserver.DecodeChunk(c.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(c, got); d != "" {
		t.Error(d)
	}
	// A later version may have a longer header.
	longer := bytes.Replace(c.Encode(), []byte{0x01, 0x00, 0xff, 0x7f}, []byte{9, 9, 0x01, 0x00, 0xff, 0x7f}, 1)
	longer[3] = 50
	if got, err = avatarserver.DecodeChunk(longer); err != nil || !bytes.Equal(got.PCM, c.PCM) {
		t.Errorf("got %v, %v", got.PCM, err)
	}
}

func TestFramesSurviveTheWire(t *testing.T) {
	t.Parallel()
	addr := avatarserver.Address{SessionID: "s1", Generation: 3}
	for _, f := range []avatarserver.Frame{
		hello("gpu-1", 4, ref(addr)),
		avatarserver.Hello{Protocol: avatarserver.Protocol, Instance: "i", Avatars: avatarserver.Avatars{IDs: []string{}}},
		avatarserver.Welcome{Protocol: avatarserver.Protocol, Keep: []ref{ref(addr)}, Release: []ref{}, HeartbeatMS: 1},
		avatarserver.Assign{Address: addr, Avatar: assignment(1).Avatar, Room: assignment(1).Room},
		avatarserver.Release{Address: addr},
		avatarserver.Ready{Address: addr},
		avatarserver.Refused{Address: addr, Reason: "no"},
		avatarserver.Lost{Address: addr, Reason: "gone"},
		avatarserver.Speak{Address: addr, Command: 1, SampleRate: 16000, Bytes: 2},
		avatarserver.Speak{Address: addr, Command: 1, Text: "<hello> \u2028"},
		avatarserver.SpeakConfirmed{Address: addr, Command: 1, AudioSamples: 5},
		avatarserver.Interrupt{Address: addr, Command: 2},
		avatarserver.InterruptConfirmed{Address: addr, Command: 2},
		avatarserver.CommandFailed{Address: addr, Command: 2, Code: "NO", Message: "why"},
		avatarserver.Credit{Address: addr, Bytes: 9},
		avatarserver.Drain{},
		avatarserver.Heartbeat{},
	} {
		got, err := avatarserver.Decode(avatarserver.Encode(f))
		if err != nil {
			t.Errorf("%T: %v", f, err)
		}
		if d := cmp.Diff(f, got); d != "" {
			t.Errorf("%T: %s", f, d)
		}
	}
}

// A reason ends up in a close frame and in logs: it must not repeat what was sent.
func TestDecodeErrorsDoNotRepeatTheFrame(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		`{"type":"hello","protocol":"gr_avsrv_secret"}`,
		`{"type":"hello","capacity":"gr_avsrv_secret"}`,
		`{"type":"ready","session":"gr_avsrv secret"}`,
		`gr_avsrv_secret`,
		`{"type":"hello","avatars":"gr_avsrv_secret"}`,
	} {
		if _, err := avatarserver.Decode([]byte(s)); err == nil || strings.Contains(err.Error(), "avsrv") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestResampledSamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ n, rate, want int }{
		{0, 8000, 0}, {1, 8000, 2}, {16000, 16000, 16000}, {1, 48000, 1}, {3, 48000, 1}, {4, 48000, 2},
		{44100, 44100, 16000}, {1, 44100, 1}, {2205, 22050, 1600}, {50 << 20, 48000, 17476267},
	} {
		if got := avatarserver.ResampledSamples(c.n, c.rate); got != c.want {
			t.Errorf("%d at %d: got %d, want %d", c.n, c.rate, got, c.want)
		}
	}
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add(avatarserver.Chunk{Address: avatarserver.Address{SessionID: "s1", Generation: 1}, Command: 1, PCM: []byte{1, 2}}.Encode())
	f.Add(make([]byte, 48))
	f.Add([]byte{1, 3, 0, 48})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := avatarserver.DecodeChunk(b)
		if err != nil {
			return
		}
		if len(c.PCM) > avatarserver.MaxChunk || len(c.PCM)%2 != 0 || c.Command == 0 || c.Generation < 1 {
			t.Fatalf("accepted %+v", c)
		}
		again, err := avatarserver.DecodeChunk(c.Encode())
		if d := cmp.Diff(c, again); err != nil || d != "" {
			t.Fatalf("%v %s", err, d)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(string(avatarserver.Encode(hello("gpu-1", 4, ref{SessionID: "s", Generation: 1}))))
	f.Add(`{"type":"credit","session":"s","generation":1,"bytes":65536}`)
	f.Add(`{"type":"speak","session":"s","generation":1,"command":1,"text":"hi"}`)
	f.Add(`{"type":"hello","avatars":["a"],"sessions":[{}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		frame, err := avatarserver.Decode([]byte(s))
		if err != nil || frame == nil {
			return
		}
		again, err := avatarserver.Decode(avatarserver.Encode(frame))
		if d := cmp.Diff(frame, again); err != nil || d != "" {
			t.Fatalf("%v %s", err, d)
		}
	})
}
