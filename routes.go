package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/cors"

	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/daily"
	"greenroom/graph"
	"greenroom/models"
	"greenroom/stream"
	"greenroom/web"
)

// corsMaxAge is how long, in seconds, a browser may remember a preflight's answer.
const corsMaxAge = 600

// routes are everything that clients reach, outermost layer first: request id, log, recover,
// then what a route asks for.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	gate, origins := s.gate(), append([]string{s.base}, s.cfg.AllowedOrigins...)
	s.graph = graph.New(graph.Config{
		Sessions: s.sessions, Accounts: s.accounts, Webhooks: s.webhooks, Store: s.store,
		Clock: models.SystemClock, Log: s.log, RequestID: requestID,
		Origins: origins, Admit: admit(gate), Keep: s.auth.Keep, Limits: limitsOf(s.cfg.Limits),
	})
	s.streams = stream.New(stream.Config{
		Sessions: s.sessions, Clock: models.SystemClock, Log: s.log,
		Origins: origins, Admit: admit(gate), Keep: s.auth.Keep, LargeFrames: s.cfg.Streams.LargeFrames,
	})
	mux.Handle("/graphql", s.cors(gate.Middleware(graph.Refuse)(noteCaller(s.graph))))
	mux.Handle(stream.Path, s.streams)
	s.metrics.sockets(s.graph, s.streams)
	mux.Handle(avatarserver.Path, s.registry)
	mux.Handle(dailyWebhookPath, daily.WebhookHandler(s.dailyWebhookSecret(), models.SystemClock, s.noteParticipant))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", s.ready)
	options := web.Options{}
	if s.dev != nil {
		options.DefaultKey, options.Pictures = auth.DevKey, s.base // of samples, also for a page that was opened as localhost
		s.dev.routes(mux)
	}
	mux.Handle("/", web.Handler(options))
	h := http.Handler(mux)
	if s.dev != nil {
		h = loopbackOnly(h)
	}
	return s.observe(mux, recoverPanics(s.log, h))
}

// adminRoutes are for whoever runs the server.
func (s *server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.handler())
	return mux
}

// dailyWebhookPath is where Daily's webhooks come in.
const dailyWebhookPath = "/webhooks/daily"

// dailyWebhookSecret is what webhooks are signed with; empty when none are to come.
func (s *server) dailyWebhookSecret() string {
	if s.dev != nil {
		return s.dev.webhookSecret
	}
	return s.cfg.Daily.WebhookSecret.Reveal()
}

// noteParticipant passes on what a webhook tells. Daily learns no more than that it should repeat
// what failed.
func (s *server) noteParticipant(ctx context.Context, ev daily.Event) error {
	err := s.sessions.NoteParticipant(ctx, ev)
	if err != nil {
		s.log.Error("note a participant", "event", ev.Type, "room", ev.Room, "error", err)
	}
	return err
}

// ready tells a load balancer whether to send requests here.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		s.log.Warn("not ready", "error", err)
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": "the database does not answer"})
		return
	}
	if err := s.sessions.Readiness(); err != nil {
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ready"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

// cors lets pages of the configured origins call, and no others. Credentials are headers that
// a page sets itself, never cookies.
func (s *server) cors(next http.Handler) http.Handler {
	return cors.New(cors.Options{
		// Not AllowedOrigins: to the library an empty list is everybody.
		AllowOriginFunc: func(origin string) bool { return slices.Contains(s.cfg.AllowedOrigins, origin) },
		AllowedMethods:  []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:  []string{"Authorization", "Content-Type", "X-Api-Key"},
		ExposedHeaders:  []string{"Retry-After", "X-Request-Id"},
		MaxAge:          corsMaxAge,
	}).Handler(next)
}

// gate finds out who is calling, by whatever way.
func (s *server) gate() *auth.Gate {
	rate := s.cfg.FailedLogins
	return auth.NewGate(s.auth, auth.Failures{PerSecond: float64(rate.Count) / rate.Per.Seconds(), Burst: rate.Count})
}

// admit lets in whoever signs in over a socket, and notes it for the log.
func admit(gate *auth.Gate) func(context.Context, string, string) (*auth.Caller, error) {
	return func(ctx context.Context, remote, secret string) (*auth.Caller, error) {
		caller, err := gate.Admit(ctx, remote, secret)
		if v, ok := ctx.Value(seenKey{}).(*seen); ok {
			v.caller = caller
		}
		return caller, err
	}
}

// A seen is what the log tells of a request, gathered on its way.
type seen struct {
	http.ResponseWriter
	id     string
	status int
	bytes  int64
	caller *auth.Caller
	// ended writes the line of the log; outlives says that the handler goes on after it has returned,
	// and will do that.
	ended    func()
	outlives bool
}

// WriteHeader remembers the status.
func (v *seen) WriteHeader(status int) {
	if v.status == 0 {
		v.status = status
	}
	v.ResponseWriter.WriteHeader(status)
}

func (v *seen) Write(b []byte) (int, error) {
	if v.status == 0 {
		v.status = http.StatusOK
	}
	n, err := v.ResponseWriter.Write(b)
	v.bytes += int64(n)
	return n, err
}

// Outlive is called by a handler that goes on after it has returned: the request ends with done.
func (v *seen) Outlive() (done func()) {
	v.outlives = true
	return func() { v.ended() }
}

// Unwrap lets a WebSocket take over the connection.
func (v *seen) Unwrap() http.ResponseWriter { return v.ResponseWriter }

type seenKey struct{}

// requestID is the id under which a request is logged.
func requestID(ctx context.Context) string {
	if v, ok := ctx.Value(seenKey{}).(*seen); ok {
		return v.id
	}
	return ""
}

// observe gives each request an id, measures it and logs one line. The query string stays out:
// it may hold a document or a secret.
func (s *server) observe(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &seen{ResponseWriter: w, id: rand.Text()}
		w.Header().Set("X-Request-Id", v.id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, route := mux.Handler(r)
		began := time.Now()
		r.RemoteAddr = clientAddress(r, s.cfg.TrustedProxies)
		method, path, remote := r.Method, r.URL.Path, r.RemoteAddr
		// Without the request, whose header a socket need not keep.
		v.ended = func() { s.logRequest(v, method, path, remote, time.Since(began)) }
		next.ServeHTTP(v, r.WithContext(context.WithValue(r.Context(), seenKey{}, v)))
		if v.status == 0 {
			v.status = http.StatusOK // the handler has written nothing
		}
		// A socket or an event stream takes as long as its client likes.
		if v.status != http.StatusSwitchingProtocols && !strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
			s.metrics.request(route, v.status, time.Since(began))
		}
		if v.outlives {
			v.ResponseWriter = nil // and the buffers behind it
		} else {
			v.ended()
		}
	})
}

func (s *server) logRequest(v *seen, method, path, remote string, took time.Duration) {
	attributes := []slog.Attr{
		slog.String("request", v.id), slog.String("method", method), slog.String("path", path),
		slog.Int("status", v.status), slog.Int64("bytes", v.bytes),
		slog.String("took", strconv.FormatFloat(took.Seconds()*1000, 'f', 3, 64)+"ms"), slog.String("remote", remote),
	}
	if v.caller != nil {
		attributes = append(attributes, slog.String("account", v.caller.AccountID), slog.String("credential", string(v.caller.Kind)))
		if v.caller.SessionID != "" {
			attributes = append(attributes, slog.String("session", v.caller.SessionID))
		}
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "request", attributes...)
}

// noteCaller puts who is calling into the log.
func noteCaller(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v, ok := r.Context().Value(seenKey{}).(*seen); ok {
			v.caller = auth.From(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}

// recoverPanics answers 500 with nothing but the request's id, and logs the stack.
func recoverPanics(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http has it
				panic(p)
			}
			log.Error("panic", "request", requestID(r.Context()), "panic", p, "stack", string(debug.Stack()))
			answer(w, http.StatusInternalServerError, map[string]string{"error": "internal error", "requestId": requestID(r.Context())})
		}()
		next.ServeHTTP(w, r)
	})
}
