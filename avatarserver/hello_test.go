package avatarserver_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
	"greenroom/models"
)

type ref = avatarserver.Ref

func TestHello(t *testing.T) {
	t.Parallel()

	t.Run("WelcomeSaysTheTimingsAndLimits", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		_, w := h.hello(t, "gpu-1", 3)
		want := avatarserver.Welcome{
			Protocol: avatarserver.Protocol, Keep: []ref{}, Release: []ref{},
			HeartbeatMS: 5000, LostAfterMS: 15000, CreditBytes: 1 << 20, MaxChunkBytes: 1 << 16,
		}
		if d := cmp.Diff(want, w); d != "" {
			t.Error(d)
		}
		info := []avatarserver.ServerInfo{{Name: "GPU", Instance: "gpu-1", Capacity: 3, Connected: true}}
		if d := cmp.Diff(info, h.Servers()); d != "" {
			t.Error(d)
		}
	})

	t.Run("UnknownSessionsAreKeptAsTheSessionsSay", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		h.ledger.carried = []ref{{SessionID: "s1", Generation: 4}, {SessionID: "never-had", Generation: 1}}
		have := []ref{{SessionID: "s1", Generation: 4}, {SessionID: "s2", Generation: 1}, {SessionID: "s1", Generation: 4}}
		p, w := h.hello(t, "gpu-1", 3, have...)
		if d := cmp.Diff([]ref{{SessionID: "s1", Generation: 4}}, w.Keep); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]ref{{SessionID: "s2", Generation: 1}}, w.Release); d != "" {
			t.Error(d)
		}
		if !h.Carries(have[0]) || h.Carries(have[1]) || h.Carries(ref{SessionID: "s1", Generation: 3}) {
			t.Error("carries something else than it keeps")
		}
		p.send(avatarserver.Ready{Address: avatarserver.Address(have[0])})
		h.ledger.expect(t, "ready gpu-1 s1 4")
	})

	t.Run("WhenNobodyCanTellWhatToKeepTheServerDialsAgain", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		h.ledger.refuse = errors.New("no database")
		p := h.connect(t)
		p.send(hello("gpu-1", 1, ref{SessionID: "s1", Generation: 1}))
		if code := p.closed(); code != websocket.StatusTryAgainLater {
			t.Errorf("closed with %d", code)
		}
	})

	t.Run("ANewerConnectionTakesOver", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		old, _ := h.hello(t, "gpu-1", 1)
		s1 := h.started(t, old, "s1")
		fresh, w := h.hello(t, "gpu-1", 1, s1)
		if code := old.closed(); code != avatarserver.CloseTakenOver {
			t.Errorf("closed with %d", code)
		}
		if d := cmp.Diff([]ref{s1}, w.Keep); d != "" {
			t.Error(d)
		}
		h.Release(s1)
		if got := expect[avatarserver.Release](fresh); ref(got.Address) != s1 {
			t.Errorf("released %v", got)
		}
		h.ledger.quiet(t)
		if len(h.ledger.asked) != 0 {
			t.Error("asked about a session that the registry itself had handed over")
		}
	})

	t.Run("NoHelloIsNotWaitedFor", func(t *testing.T) {
		t.Parallel()
		h := setup(t, func(c *avatarserver.Config) { c.HelloWithin = 20 * time.Millisecond })
		if code := h.connect(t).closed(); code != avatarserver.CloseTimeout {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestKey(t *testing.T) {
	t.Parallel()

	status := func(t *testing.T, h *harness, header http.Header) int {
		t.Helper()
		ws, resp, err := websocket.Dial(t.Context(), h.url, &websocket.DialOptions{HTTPClient: h.client, HTTPHeader: header}) //nolint:bodyclose // Dial closes it
		if err == nil {
			_ = ws.CloseNow()
			t.Fatal("let in")
		}
		return resp.StatusCode
	}

	t.Run("AWrongKeyIsRefusedBeforeTheUpgrade", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		for _, header := range []http.Header{
			nil,
			{"Authorization": {"Bearer gr_avsrv_other"}},
			{"Authorization": {"Bearer "}},
			{"Authorization": {"Basic " + key}},
			{"X-Api-Key": {key}},
		} {
			if got := status(t, h, header); got != http.StatusUnauthorized {
				t.Errorf("%v: status %d", header, got)
			}
		}
	})

	t.Run("AKeyThatCannotBeCheckedIsNotAWrongOne", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		h.setAuth(errors.New("no database"))
		if got := status(t, h, http.Header{"Authorization": {"Bearer " + key}}); got != http.StatusServiceUnavailable {
			t.Errorf("status %d", got)
		}
	})

	t.Run("ARevokedKeyEndsTheConnection", func(t *testing.T) {
		t.Parallel()
		h := setup(t, func(c *avatarserver.Config) { c.Heartbeat = 5 * time.Millisecond })
		p, _ := h.hello(t, "gpu-1", 1)
		h.setAuth(errors.New("no database"))
		expect5Heartbeats(p)
		h.setAuth(models.ErrUnauthenticated)
		if code := p.closed(); code != avatarserver.CloseKeyRevoked {
			t.Errorf("closed with %d", code)
		}
	})
}

// expect5Heartbeats sees the connection live through five of them.
func expect5Heartbeats(p *peer) {
	p.t.Helper()
	for range 5 {
		_, data, err := p.ws.Read(p.t.Context())
		if err != nil || string(data) != `{"type":"heartbeat"}` {
			p.t.Fatalf("%s, %v", data, err)
		}
	}
}

func TestBadFrames(t *testing.T) {
	t.Parallel()
	const ready = `{"type":"ready","session":"s1","generation":1}`
	good := string(avatarserver.Encode(hello("gpu-1", 1)))
	for name, c := range map[string]struct {
		frames []string
		code   websocket.StatusCode
	}{
		"NotJSON":                {[]string{`hello`}, 4400},
		"NotAnObject":            {[]string{`["hello"]`}, 4400},
		"NoType":                 {[]string{`{}`}, 4400},
		"NotHelloFirst":          {[]string{ready}, 4400},
		"AnotherProtocol":        {[]string{strings.Replace(good, "server/1", "server/9", 1)}, 4400},
		"NoInstance":             {[]string{strings.Replace(good, "gpu-1", "", 1)}, 4400},
		"NegativeCapacity":       {[]string{strings.Replace(good, `"capacity":1`, `"capacity":-1`, 1)}, 4400},
		"CapacityAsText":         {[]string{strings.Replace(good, `"capacity":1`, `"capacity":"1"`, 1)}, 4400},
		"NoAvatars":              {[]string{strings.Replace(good, `"avatars":"*",`, ``, 1)}, 4400},
		"AvatarsAsAnotherText":   {[]string{strings.Replace(good, `"avatars":"*"`, `"avatars":"all"`, 1)}, 4400},
		"SessionWithoutId":       {[]string{strings.Replace(good, `"sessions":null`, `"sessions":[{"generation":1}]`, 1)}, 4400},
		"HelloTwice":             {[]string{good, good}, 4400},
		"GenerationZero":         {[]string{good, `{"type":"ready","session":"s1","generation":0}`}, 4400},
		"GenerationBeyond32Bits": {[]string{good, `{"type":"ready","session":"s1","generation":4294967296}`}, 4400},
		"SessionTooLong":         {[]string{good, strings.Replace(ready, "s1", strings.Repeat("s", 33), 1)}, 4400},
		"CreditOfNothing":        {[]string{good, `{"type":"credit","session":"s1","generation":1,"bytes":0}`}, 4400},
		"NegativeSamples":        {[]string{good, `{"type":"speak.confirmed","session":"s1","generation":1,"audio_samples":-1}`}, 4400},
		"AFrameOfTheOtherSide":   {[]string{good, `{"type":"release","session":"s1","generation":1}`}, 4400},
		"Binary":                 {[]string{good, "\x00binary"}, 4400},
		"AboveTheLimit":          {[]string{good, `{"type":"` + strings.Repeat("x", avatarserver.MaxControl)}, 1009},
		"HelloAboveTheLimit":     {[]string{`{"type":"` + strings.Repeat("x", avatarserver.MaxControl)}, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			p := h.connect(t)
			for _, f := range c.frames {
				kind := websocket.MessageText
				if after, ok := strings.CutPrefix(f, "\x00"); ok {
					kind, f = websocket.MessageBinary, after
				}
				// A frame above the limit may see the connection go while it is being written.
				_ = p.ws.Write(t.Context(), kind, []byte(f))
			}
			if code := p.closed(); code != c.code {
				t.Errorf("closed with %d, want %d", code, c.code)
			}
		})
	}
}

func TestUnknownFramesAndFieldsAreIgnored(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := h.connect(t)
	p.text(`{"gpu":"H100",` + string(avatarserver.Encode(hello("gpu-1", 1)))[1:])
	expect[avatarserver.Welcome](p)
	p.text(`{"type":"mood","session":7}`)
	h.started(t, p, "s1")
}
