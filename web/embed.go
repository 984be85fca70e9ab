// Package web serves the pages that are built into the binary: the landing page and the
// GraphQL explorer. They load nothing from any other host and need no build step.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed pages
var pages embed.FS

// Options are what a page is told by the server.
type Options struct {
	// DefaultKey is an API key that the explorer has filled in already. It is readable by
	// whoever can load the page: only --dev sets it.
	DefaultKey string
}

// routes are the pages with an address of their own; assets have theirs below /assets/.
var routes = map[string]string{"/": "index.html", "/playground": "playground.html"}

// contentTypes are spelt out: what mime knows depends on the machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
}

// policy lets a page use its own files and this server, and nothing inline. Preview images of
// avatars may come from anywhere that speaks https.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// Handler serves `/`, `/playground` and `/assets/…` to GET and HEAD; every other path is not
// found. It panics on a page that cannot be rendered, which a test would have shown.
func Handler(o Options) http.Handler {
	files := map[string]*file{}
	for route, name := range routes {
		files[route] = newFile(name, render(name, o))
	}
	assets, err := fs.Glob(pages, "pages/assets/*")
	if err != nil {
		panic(fmt.Sprintf("list assets: %v", err))
	}
	for _, name := range assets {
		files[strings.TrimPrefix(name, "pages")] = newFile(name, read(name))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		default:
			f.ServeHTTP(w, r)
		}
	})
}

// A file is a page or an asset as it is sent.
type file struct {
	content     []byte
	contentType string
	etag        string // of the content, so that a new binary is noticed at once
}

func newFile(name string, content []byte) *file {
	sum := sha256.Sum256(content)
	return &file{
		content:     content,
		contentType: contentTypes[path.Ext(name)],
		etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}
}

// ServeHTTP answers 304 to a browser that has this content. Browsers may keep it, but ask each
// time: names do not change when content does.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

func render(name string, o Options) []byte {
	t := template.Must(template.New(name).Parse(string(read("pages/" + name))))
	var page bytes.Buffer
	if err := t.Execute(&page, o); err != nil {
		panic(fmt.Sprintf("render %s: %v", name, err))
	}
	return page.Bytes()
}

func read(name string) []byte {
	content, err := pages.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("read %s: %v", name, err))
	}
	return content
}
