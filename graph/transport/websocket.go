package transport

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"greenroom/auth"
	"greenroom/models"
)

// subprotocol is the one that is spoken.
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
const subprotocol = "graphql-transport-ws"

const (
	// initWithin is how long a client may take to say connection_init.
	initWithin = 3 * time.Second
	// pingEvery is how often a client is asked for a sign of life; it has as long to answer.
	pingEvery = 25 * time.Second
	// closeWithin is how long a client has to answer a close frame.
	closeWithin = 2 * time.Second
	// maxFrame is the most bytes of a message from a client; a larger one closes with 1009.
	maxFrame = 256 << 10
	// maxOperations is how many operations one socket may run at once. As many again may be on
	// their way out: then the socket is not read until one has ended.
	maxOperations = 32
)

// A WebSocket answers operations of every kind over one socket. A socket has one goroutine, one more
// while it handles a message, and one for each operation while it runs, but for subscriptions with a [Source].
//
// It goes on after its request's handler has returned: a response writer that has a method
// `Outlive() (done func())` is told when it has ended.
type WebSocket struct {
	// Live counts sockets, and the operations on them.
	Live *Live
	// Origins are the pages that may connect.
	Origins auth.Origins
	// Admit tells whose a secret from a connection_init is; see auth.Gate. Without it a
	// credential has to come with the handshake.
	Admit func(ctx context.Context, remote, secret string) (*auth.Caller, error)
	// Keep watches over the credential of an open socket; nil watches over none.
	Keep Keep
	// Subscribe begins subscriptions that need no goroutine of their own; nil begins none.
	Subscribe Subscribe
}

var _ graphql.Transport = WebSocket{}

// Supports takes requests for a WebSocket.
func (WebSocket) Supports(r *http.Request) bool { return isUpgrade(r) }

// isUpgrade tells whether a request asks for a WebSocket. Offers of other protocols are
// ignored, as HTTP allows.
func isUpgrade(r *http.Request) bool {
	for _, line := range r.Header.Values("Upgrade") {
		for protocol := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(protocol), "websocket") {
				return true
			}
		}
	}
	return false
}

// Do serves one socket until its end.
func (t WebSocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if !t.Origins.Allow(r) {
		prepare(w, r)
		write(w, http.StatusForbidden, presentError(r.Context(), exec, &models.Error{
			Kind: models.KindForbidden, Message: "pages of this origin may not connect",
		}))
		return
	}
	// The request's context ends with this call, and the socket only begins.
	ctx, end := context.WithCancelCause(context.WithoutCancel(r.Context()))
	s := newSocket(&t, r, exec, ctx, end)
	leave, ok := t.Live.join(s.drain, func() { end(errDraining) })
	if !ok {
		end(nil)
		prepare(w, r)
		w.Header().Set("Retry-After", "1")
		write(w, http.StatusServiceUnavailable, presentError(r.Context(), exec, models.Unavailable("the server is stopping", time.Second)))
		return
	}
	tap := &hijackTap{ResponseWriter: w}
	ws, err := websocket.Accept(tap, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // Allow has verified the origin, letter by letter
	})
	if err != nil {
		end(nil)
		leave()
		return // answered
	}
	ws.SetReadLimit(maxFrame)
	s.ws, s.wire = ws, tap.wire
	// In a goroutine of its own: this one's stack is deep in the server's layers, and net/http keeps
	// the request's buffers until it ends.
	done := outlive(w)
	go func() {
		defer leave() // the last: a server that stops waits for it
		defer done()
		defer end(nil)
		s.serve()
	}()
}

// An outliver is a response writer that is to know when a handler that goes on in the background
// has done with the request.
type outliver interface{ Outlive() (done func()) }

// outlive tells whoever wraps the response writer that the request goes on until done is called.
func outlive(w http.ResponseWriter) (done func()) {
	for {
		switch layer := w.(type) {
		case outliver:
			return layer.Outlive()
		case interface{ Unwrap() http.ResponseWriter }:
			w = layer.Unwrap()
		default:
			return func() {}
		}
	}
}

// Close codes of the protocol, and those of WebSocket for a server that stops or cannot tell
// who is there: clients try again after these.
var (
	errBadSubprotocol = websocket.CloseError{Code: 4406, Reason: "Subprotocol not acceptable"}
	errNotInitialised = websocket.CloseError{Code: 4401, Reason: "Unauthorized"}
	errTimeout        = websocket.CloseError{Code: 4408, Reason: "Connection initialisation timeout"}
	errSecondInit     = websocket.CloseError{Code: 4429, Reason: "Too many initialisation requests"}
	errRevoked        = websocket.CloseError{Code: 4403, Reason: "the credential is not valid any more"}
	errDraining       = websocket.CloseError{Code: websocket.StatusServiceRestart, Reason: "the server is stopping"}
	errCutOff         = websocket.CloseError{Code: websocket.StatusAbnormalClosure, Reason: "cut off"}
)

func closeBadFrame(reason string) error { return websocket.CloseError{Code: 4400, Reason: reason} }

func closeDuplicate(id string) error {
	return websocket.CloseError{Code: 4409, Reason: clip("Subscriber for "+id, " already exists")}
}

// closeRefused is for a credential that err refuses; when nobody can tell whether it is valid,
// the client should ask again.
func closeRefused(err error) error {
	refusal, ok := errors.AsType[*models.Error](err)
	if !ok || refusal.Kind == models.KindUnavailable {
		return websocket.CloseError{Code: websocket.StatusTryAgainLater, Reason: "credentials cannot be checked right now"}
	}
	return websocket.CloseError{Code: 4403, Reason: clip(refusal.Message, "")}
}

// closeTooMany is for who has too many sockets already. Clients do not try again by themselves
// after this code: one that loses sockets without closing them would never end.
func closeTooMany(err error) error {
	return websocket.CloseError{Code: errSecondInit.Code, Reason: clip(err.Error(), "")}
}

// maxReason is what WebSocket allows in a close frame, in bytes.
const maxReason = 123

// clip shortens text so that it and the ending are a close frame's reason.
func clip(text, ending string) string {
	if room := maxReason - len(ending); len(text) > room {
		text = strings.ToValidUTF8(text[:room-len("…")], "") + "…"
	}
	return text + ending
}
