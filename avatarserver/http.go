package avatarserver

import (
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"greenroom/models"
)

// ServeHTTP is the socket where avatar servers dial in. A request without a good key is answered
// 401 before the upgrade; while the registry is draining, or cannot check keys, 503.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	secret, ok := bearer(req)
	if !ok {
		unauthorized(w)
		return
	}
	if err := r.cfg.Authenticate(req.Context(), secret); refuses(err) {
		unauthorized(w)
		return
	} else if err != nil {
		r.cfg.Log.Error("cannot check an avatar server's key", "err", err)
		unavailable(w)
		return
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		unavailable(w)
		return
	}
	r.wg.Add(1)
	r.mu.Unlock()
	defer r.wg.Done()

	c, err := r.accept(w, req, secret)
	if err != nil {
		r.cfg.Log.Info("avatar server did not get through the handshake", "err", err)
		return
	}
	r.admit(c)
	c.serve()
}

// admit makes the connection known to Shutdown, which may have begun during the handshake.
func (r *Registry) admit(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c] = true
	if r.closed {
		c.shut(websocket.StatusServiceRestart, draining)
	}
}

// bearer reads the credential. Only this header counts: an address ends up in logs.
func bearer(req *http.Request) (string, bool) {
	scheme, secret, ok := strings.Cut(req.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	return secret, ok && strings.EqualFold(scheme, "Bearer") && secret != ""
}

// refuses tells a bad key from a failure to check it.
func refuses(err error) bool {
	switch models.KindOf(err) {
	case models.KindUnauthenticated, models.KindForbidden, models.KindNotFound:
		return true
	}
	return false
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	http.Error(w, "this needs an avatar-server key: Authorization: Bearer gr_avsrv_…", http.StatusUnauthorized)
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "not now: dial again", http.StatusServiceUnavailable)
}
