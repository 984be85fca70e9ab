package emulator

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// authorize checks the API key as Daily does: a missing or malformed header is 400, a wrong key
// 401.
func (e *Emulator) authorize(r *http.Request) (reply, bool) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || key == "" || strings.Contains(key, " ") {
		return refuse(http.StatusBadRequest, "authorization-header-error", "invalid authorization header"), false
	}
	if subtle.ConstantTimeCompare([]byte(key), []byte(e.cfg.Key)) != 1 {
		return refuse(http.StatusUnauthorized, "authentication-error", ""), false
	}
	return reply{}, true
}
