package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// Options are what a page is told by the server.
type Options struct {
	// DefaultKey is an API key that the pages are signed in with. It is readable by whoever can
	// load a page: only --dev sets it.
	DefaultKey string
	// Pictures is another address, `http://HOST:PORT`, from which pages may show pictures; empty for
	// none.
	Pictures string
}

// views are the dashboard's addresses, as path.Match has them: those of src/app/routes.tsx. A
// page that the dashboard does not have is not found here already.
var views = []string{
	"/", "/sessions", "/sessions/new", "/sessions/?*", "/avatars", "/avatars/?*", "/usage",
	"/webhooks", "/webhooks/?*", "/keys",
}

// Handler serves the dashboard, `/playground` and their assets to GET and HEAD; every other path
// is not found. It panics on what cannot be served, which a test would have shown.
func Handler(o Options) http.Handler { return newHandler(dist(), o) }

func newHandler(dist fs.FS, o Options) http.Handler {
	files, err := readFiles(dist)
	if err != nil {
		panic(fmt.Sprintf("read the built pages: %v", err))
	}
	dashboard := newPage(files["/index.html"], o, o.dashboardPolicy)
	playground := newPage(files["/playground.html"], o, o.playgroundPolicy)
	delete(files, "/index.html")
	delete(files, "/playground.html")
	find := func(address string) http.Handler {
		if f, ok := files[address]; ok {
			return f
		}
		if address == "/playground" {
			return playground
		}
		for _, view := range views {
			if ok, _ := path.Match(view, address); ok {
				return dashboard
			}
		}
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		found := find(r.URL.Path)
		switch {
		case found == nil:
			notFound(w)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		default:
			found.ServeHTTP(w, r)
		}
	})
}

// policy is for everything: a page's own files and this server, and nothing inline. Pictures of
// avatars may come from anywhere that speaks https. 'self' covers WebSockets to this server.
func (o Options) policy(style string) string {
	pictures := "'self' https: data:"
	if o.Pictures != "" {
		pictures += " " + o.Pictures
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'" + style + "; img-src " + pictures + "; " +
		"font-src 'self' data:; connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}

// dashboardPolicy lets in the style sheets that the page makes, by the nonce that it was told.
func (o Options) dashboardPolicy(nonce string) string { return o.policy(" 'nonce-" + nonce + "'") }

// playgroundPolicy lets in any style: the editor writes style attributes into the page.
func (o Options) playgroundPolicy(string) string { return o.policy(" 'unsafe-inline'") }

const notFoundPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not found · Greenroom</title>
<h1>Not found</h1>
<p>There is nothing at this address. <a href="/">Go to the dashboard</a></p>
`

func notFound(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", Options{}.policy(""))
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNotFound)
	_, _ = strings.NewReader(notFoundPage).WriteTo(w) // the browser may be gone
}
