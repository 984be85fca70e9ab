package web

import (
	"crypto/rand"
	"html"
	"net/http"
	"strings"
)

// What a page has where the server tells it something.
const (
	keyPlace   = "%GREENROOM_KEY%"
	noncePlace = "%STYLE_NONCE%"
)

// A page is made anew for each request, with a nonce of its own. So it has no ETag: a browser that
// kept the page would have the old nonce with the new policy. It is small, and sent as it is.
type page struct {
	text   string
	policy func(nonce string) string
}

func newPage(f *file, o Options, policy func(string) string) page {
	if f == nil {
		panic("a built page is missing")
	}
	return page{strings.ReplaceAll(string(f.content()), keyPlace, html.EscapeString(o.DefaultKey)), policy}
}

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Type", contentTypes[".html"])
	h.Set("Content-Security-Policy", p.policy(nonce))
	h.Set("Cache-Control", "no-cache")
	if r.Method == http.MethodHead {
		return
	}
	_, _ = strings.NewReplacer(noncePlace, nonce).WriteString(w, p.text) // the browser may be gone
}
