package transport

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"greenroom/auth"
	"greenroom/models"
)

// admitWithin is how long finding out who is there may take.
const admitWithin = 5 * time.Second

// signIn tells whose a socket is, by the credential of its handshake or the one in the payload
// of its connection_init, and gives a context for its operations. Two credentials that differ
// are none. The socket counts as the caller's from then on. An error is the close frame.
func (s *socket) signIn(payload json.RawMessage) error {
	given, err := credentialIn(payload)
	if err != nil {
		return err
	}
	// The handshake has been let in: its credential, if any, was right.
	secret, err := s.secret, s.badSecret
	s.secret = "" // not to be kept for longer than it is needed
	caller := auth.From(s.ctx)
	switch {
	case err != nil:
	case given == "" && caller == nil, secret != "" && given != "" && given != secret:
		err = models.ErrUnauthenticated
	case caller == nil && s.t.Admit == nil:
		err = models.ErrUnauthenticated
	case caller == nil:
		ctx, cancel := context.WithTimeout(s.ctx, admitWithin)
		defer cancel()
		secret = given
		caller, err = s.t.Admit(ctx, s.remote, given)
	}
	if err != nil {
		return closeRefused(err)
	}
	leave, err := s.t.Live.hold(caller, Share{Sockets: 1})
	if err != nil {
		return closeTooMany(err)
	}
	s.base, s.release = auth.WithCaller(s.ctx, caller), leave
	if s.t.Keep == nil || secret == "" {
		return nil
	}
	kept, release := s.t.Keep(s.base, secret)
	s.base, s.release = kept, func() { release(); leave() }
	context.AfterFunc(kept, func() { s.end(errRevoked) })
	return nil
}

// credentialIn finds the secret in a connection_init under the names that it has as a header,
// in any case. Empty when there is none.
func credentialIn(payload json.RawMessage) (string, error) {
	if payload == nil {
		return "", nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil {
		return "", closeBadFrame("`payload` must be an object")
	}
	h := http.Header{}
	for member, value := range object {
		name := http.CanonicalHeaderKey(member)
		if (name != "Authorization" && name != "X-Api-Key") || isNull(value) {
			continue
		}
		var text string
		if !readString(value, &text) {
			return "", closeBadFrame("a credential must be a string")
		}
		if known := h.Get(name); known != "" && known != text {
			return "", closeRefused(models.ErrUnauthenticated)
		}
		h.Set(name, text)
	}
	secret, err := auth.Credential(h)
	if err != nil {
		return "", closeRefused(err)
	}
	return secret, nil
}
