package webhooks

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/models"
)

// impatient makes every try that gets no answer short. Such a receiver never answers, so it is
// found out on a slow machine as on a quick one.
func impatient(cfg *Config) { cfg.Timeout = 500 * time.Millisecond }

// raw starts a receiver that answers each request by writing to its connection, without TLS.
func raw(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		answer(conn)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// drip writes a text again and again until the other side has gone.
func drip(conn net.Conn, text string) {
	for {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestReceiverThat(t *testing.T) {
	t.Parallel()

	// tried gives how the first try at a receiver went.
	tried := func(t *testing.T, w *world, url string) string {
		t.Helper()
		e, _ := w.endpoint(url)
		d := w.sendTest(e)
		w.deliver()
		return w.last(d)
	}

	t.Run("Hangs", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t, impatient), receive(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if got := tried(t, w, r.URL); got != `{"State":"PENDING","Status":null,"Error":"no answer within 500ms"}` {
			t.Error(got)
		}
	})
	t.Run("TakesTheConnectionAndSaysNothing", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0") // the backlog takes it, nobody shakes hands
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		w := setup(t, impatient)
		if got := tried(t, w, "https://"+l.Addr().String()); !strings.Contains(got, "no answer within") {
			t.Error(got)
		}
	})
	t.Run("DripsItsHeaders", func(t *testing.T) {
		t.Parallel()
		to := raw(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Slow: ")
			drip(conn, "x")
		})
		if got := tried(t, setup(t, impatient), to); !strings.Contains(got, "no answer within") {
			t.Error(got)
		}
	})
	t.Run("DripsItsBodyHasAnswered", func(t *testing.T) {
		t.Parallel()
		to := raw(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
			drip(conn, "x")
		})
		// All of it is waited for, so that even a slow machine has read the status before.
		w := setup(t, func(cfg *Config) { cfg.Timeout = 5 * time.Second })
		if got := tried(t, w, to); !strings.Contains(got, "DELIVERED") {
			t.Error(got)
		}
	})
	t.Run("AnswersAGigabyteIsNotReadToItsEnd", func(t *testing.T) {
		t.Parallel()
		var written atomic.Int64
		done := make(chan struct{})
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(done)
			block := make([]byte, 64<<10)
			for written.Load() < 1<<30 {
				n, err := w.Write(block)
				written.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
		if got := tried(t, setup(t), r.URL); !strings.Contains(got, "DELIVERED") {
			t.Error(got)
		}
		<-done
		// What the sockets' buffers hold besides.
		if n := written.Load(); n > 64<<20 {
			t.Errorf("%d bytes were taken", n)
		}
	})
	t.Run("SendsEndlessHeaders", func(t *testing.T) {
		t.Parallel()
		to := raw(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for _, err := io.WriteString(conn, "X: y\r\n"); err == nil; {
				_, err = io.WriteString(conn, strings.Repeat("X: y\r\n", 1000))
			}
		})
		if got := tried(t, setup(t), to); !strings.Contains(got, "the connection failed before an answer came") {
			t.Error(got)
		}
	})
	t.Run("Redirects", func(t *testing.T) {
		t.Parallel()
		w, inside := setup(t), receive(t, nil)
		for _, code := range []int{301, 302, 303, 307, 308} {
			r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", inside.URL)
				w.WriteHeader(code)
			})
			if got := tried(t, w, r.URL); got != fmt.Sprintf(`{"State":"PENDING","Status":%d,"Error":"answered with a redirect, which is not followed"}`, code) {
				t.Error(got)
			}
		}
		if n := len(inside.got()); n != 0 {
			t.Errorf("%d redirects were followed", n)
		}
	})
	t.Run("SpeaksNoTLS", func(t *testing.T) {
		t.Parallel()
		to := raw(t, func(conn net.Conn) { drip(conn, "hello") })
		if got := tried(t, setup(t), strings.Replace(to, "http:", "https:", 1)); !strings.Contains(got, "the TLS handshake failed") {
			t.Error(got)
		}
	})
	t.Run("HasACertificateThatNobodyBelieves", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t, func(cfg *Config) { cfg.RootCAs = nil }), receive(t, nil)
		if got := tried(t, w, r.URL); !strings.Contains(got, "the host's certificate is not valid") || len(r.got()) != 0 {
			t.Error(got)
		}
	})
	t.Run("BreaksTheConnection", func(t *testing.T) {
		t.Parallel()
		to := raw(t, func(net.Conn) {})
		if got := tried(t, setup(t), to); !strings.Contains(got, "the connection failed before an answer came") {
			t.Error(got)
		}
	})
}

// A name may resolve to whatever its owner likes, and to something else the next time.
func TestNamesThatResolveInside(t *testing.T) {
	t.Parallel()
	// The host's own name in httptest's certificate.
	at := func(r *receiver) string {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		return "https://example.com:" + u.Port()
	}

	t.Run("ToThisMachine", func(t *testing.T) {
		t.Parallel()
		var inside atomic.Value
		w := setup(t, func(cfg *Config) {
			cfg.Resolver = names(t, func() netip.Addr { return inside.Load().(netip.Addr) }) //nolint:errcheck // only that is stored
		})
		for _, address := range []string{"127.0.0.2", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"} {
			inside.Store(netip.MustParseAddr(address))
			e, _ := w.endpoint("https://example.com/")
			d := w.sendTest(e)
			w.deliver()
			if got := w.last(d); got != `{"State":"PENDING","Status":null,"Error":"the address is not one that webhooks may be sent to"}` {
				t.Errorf("%s: %s", address, got)
			}
		}
	})

	t.Run("Rebound", func(t *testing.T) {
		t.Parallel()
		outside := receive(t, nil)
		u, err := url.Parse(outside.URL)
		if err != nil {
			t.Fatal(err)
		}
		// A server that only this machine reaches: the same port of another address.
		l, err := net.Listen("tcp", "127.0.0.2:"+u.Port())
		if err != nil {
			t.Fatal(err)
		}
		inside := &receiver{}
		inside.Server = httptest.NewUnstartedServer(inside.handler(nil))
		_ = inside.Listener.Close()
		inside.Listener = l
		inside.start(t, true)
		var inner atomic.Bool
		w := setup(t, func(cfg *Config) {
			cfg.Resolver = names(t, func() netip.Addr {
				if inner.Load() {
					return netip.MustParseAddr("127.0.0.2")
				}
				return local.Addr()
			})
		})
		e, _ := w.endpoint(at(outside))
		first := w.sendTest(e)
		w.deliver()
		if got := w.last(first); !strings.Contains(got, "DELIVERED") {
			t.Fatal(got)
		}
		inner.Store(true)
		w.service.sender.close() // the connection to where the name led before
		second := w.sendTest(e)
		w.deliver()
		if got := w.last(second); !strings.Contains(got, "may be sent to") || len(inside.got()) != 0 {
			t.Errorf("%s, %d calls inside", got, len(inside.got()))
		}
	})

	t.Run("PlainHTTPToWhatIsNotAllowed", func(t *testing.T) {
		t.Parallel()
		b := newBorder([]netip.Prefix{local})
		if err := b.dial(true)("tcp4", "192.0.43.10:80", nil); err == nil {
			t.Error("http leaves the allowed networks")
		}
		if err := b.dial(true)("tcp4", "127.0.0.1:8080", nil); err != nil {
			t.Error(err)
		}
		if err := b.dial(false)("tcp6", "[::ffff:127.0.0.9]:443", nil); err == nil {
			t.Error("a mapped address is let through")
		}
	})
}

// A receiver that hangs takes its own places and nobody else's. Nothing here is measured: the bad
// ones hang until the good one has all that it was sent.
func TestOneBadEndpointDelaysNoOther(t *testing.T) {
	t.Parallel()
	const events = 40
	w := setup(t, func(cfg *Config) { cfg.Timeout = patience })
	release := make(chan struct{})
	var now atomic.Int64
	var most int64
	var peak sync.Mutex
	hang := receive(t, func(_ http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		peak.Lock()
		most = max(most, n)
		peak.Unlock()
		<-release
	})
	good := receive(t, nil)
	bad, _ := w.endpoint(hang.URL)
	for range events {
		w.sendTest(bad)
	}
	well, _ := w.endpoint(good.URL)
	for range events {
		w.sendTest(well)
	}
	w.service.Run()
	w.eventually("the good one has everything", func() bool { return len(good.got()) == events })
	w.eventually("the bad one hangs with all its places", func() bool { return now.Load() == perEndpoint })
	close(release)
	w.eventually("the bad one has everything", func() bool { return len(hang.got()) == events })
	peak.Lock()
	defer peak.Unlock()
	if most != perEndpoint {
		t.Errorf("%d at once", most)
	}
	for name, r := range map[string]*receiver{"good": good, "bad": hang} {
		ids := map[string]bool{}
		for _, c := range r.got() {
			ids[c.id()] = true
		}
		if len(ids) != events {
			t.Errorf("the %s one has had %d events of %d", name, len(ids), events)
		}
	}
}

// Once it is known to fail, an endpoint has one place, so that many of them leave enough.
func TestFailingEndpointHasOnePlace(t *testing.T) {
	t.Parallel()
	w, r := setup(t), receive(t, status(http.StatusInternalServerError))
	e, _ := w.endpoint(r.URL)
	w.sendTest(e)
	w.deliver()
	for range 3 {
		w.sendTest(e)
	}
	waiting, err := w.store.WaitingWebhooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shares, _ := w.service.share(waiting, w.clock())
	if len(shares) != 1 || shares[0].places != 1 {
		t.Errorf("%+v", shares)
	}
}

func TestOutcomesAreCounted(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	counts := map[Outcome]int{}
	w := setup(t, func(cfg *Config) {
		cfg.Observe = func(o Outcome, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			counts[o]++
		}
	})
	var code atomic.Int64
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(code.Load())) })
	e, _ := w.endpoint(r.URL)
	for _, c := range []int64{200, 500, 301, 410} {
		code.Store(c)
		w.sendTest(e)
		if late, err := w.service.Late(t.Context()); err != nil || late != 0 {
			t.Errorf("late by %s, %v", late, err)
		}
		if _, err := w.service.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.service.background.Wait()
	}
	if counts[Delivered] != 1 || counts[Refused] != 2 || counts[Gone] != 1 {
		t.Errorf("counted %v", counts)
	}
	if got := w.readEndpoint(e); got.DisabledReason == nil || *got.DisabledReason != models.DisabledGone {
		t.Errorf("%+v", got)
	}
}
