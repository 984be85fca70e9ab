package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"greenroom/web"
)

// fixture is a build of two pages and two assets. What is in a .br is never unpacked here.
func fixture(t *testing.T) fstest.MapFS {
	t.Helper()
	build := fstest.MapFS{}
	for name, content := range map[string]string{
		"index.html":       `<meta name="greenroom-key" content="%GREENROOM_KEY%"><meta name="style-nonce" content="%STYLE_NONCE%">`,
		"playground.html":  `<meta name="greenroom-key" content="%GREENROOM_KEY%"><title>Explorer</title>`,
		"assets/x-1234.js": "run()",
		"robots.svg":       "<svg/>",
	} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		build[name+".gz"] = &fstest.MapFile{Data: packed.Bytes()}
		build[name+".br"] = &fstest.MapFile{Data: []byte("brotli of " + content)}
	}
	return build
}

func setup(t *testing.T, o web.Options) http.Handler {
	t.Helper()
	return web.HandlerOf(fixture(t), o)
}

func TestPictures(t *testing.T) {
	t.Parallel()
	h := setup(t, web.Options{Pictures: "http://127.0.0.1:8080"})
	for _, path := range []string{"/", "/playground"} {
		policy := get(t, h, path).Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "; img-src 'self' https: data: http://127.0.0.1:8080; ") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

func do(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return do(t, h, http.MethodGet, path, header...)
}

func want(t *testing.T, got *httptest.ResponseRecorder, headers map[string]string) {
	t.Helper()
	for name, value := range headers {
		if got := got.Header().Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := setup(t, web.Options{})
	for _, path := range []string{
		"/", "/sessions", "/sessions/new", "/sessions/sess_01J00000000000000000000000", "/avatars", "/usage", "/webhooks",
		"/webhooks/whk_01J00000000000000000000000", "/keys", "/playground",
	} {
		t.Run("AreServedSafely"+path, func(t *testing.T) {
			t.Parallel()
			got := get(t, h, path, "Accept-Encoding", "br")
			isExplorer := strings.Contains(got.Body.String(), "<title>Explorer")
			if got.Code != http.StatusOK || isExplorer != (path == "/playground") {
				t.Fatalf("got %d: %.80s", got.Code, got.Body)
			}
			styles := "'unsafe-inline'"
			if !isExplorer {
				_, nonce, _ := strings.Cut(got.Body.String(), `name="style-nonce" content="`)
				nonce, _, _ = strings.Cut(nonce, `"`)
				if len(nonce) < 22 {
					t.Errorf("the nonce is %q", nonce)
				}
				styles = "'nonce-" + nonce + "'"
			}
			want(t, got, map[string]string{
				"Content-Type": "text/html; charset=utf-8",
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' " + styles + "; img-src 'self' https: data:; " +
					"font-src 'self' data:; connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
				"Cache-Control": "no-cache", "ETag": "", "Content-Encoding": "",
			})
			if again := get(t, h, path); !isExplorer && again.Body.String() == got.Body.String() {
				t.Error("two answers have the same nonce")
			}
		})
	}
	for _, path := range []string{
		"/index.html", "/playground.html", "/playground/", "/sessions/", "/sessions/a/b", "/sessionsx", "/assets", "/assets/", "/assets/x-1234.js.gz",
		"/assets/x-1234.js.br", "/assets/../handler.go", "/assets/%2e%2e/index.html", "/handler.go", "/graphql/x", "//", "/\x00",
	} {
		t.Run("AreNotServed"+path, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			r.URL.Path = path
			got := httptest.NewRecorder()
			h.ServeHTTP(got, r)
			if got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), `<a href="/">`) {
				t.Errorf("got %d: %s", got.Code, got.Body)
			}
			want(t, got, map[string]string{"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff"})
		})
	}
	t.Run("AreReadOnly", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/", "/playground", "/assets/x-1234.js"} {
			got := do(t, h, http.MethodPost, path)
			if got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: got %d, Allow %q", path, got.Code, got.Header().Get("Allow"))
			}
			if got := do(t, h, http.MethodHead, path); got.Code != http.StatusOK || got.Body.Len() != 0 || got.Header().Get("Content-Type") == "" {
				t.Errorf("HEAD %s: got %d with %d bytes", path, got.Code, got.Body.Len())
			}
		}
	})
}

func TestDefaultKey(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/playground"} {
		if body := get(t, setup(t, web.Options{DefaultKey: "gr_test_dev"}), path).Body.String(); !strings.Contains(body, `content="gr_test_dev"`) {
			t.Errorf("%s lacks the key: %s", path, body)
		}
		if body := get(t, setup(t, web.Options{}), path).Body.String(); !strings.Contains(body, `name="greenroom-key" content=""`) {
			t.Errorf("%s has a key: %s", path, body)
		}
		body := get(t, setup(t, web.Options{DefaultKey: `"><script src=x>%STYLE_NONCE%`}), path).Body.String()
		if strings.Contains(body, "<script") {
			t.Errorf("on %s the key became markup: %s", path, body)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	h := setup(t, web.Options{})
	for accept, coding := range map[string]string{"gzip, deflate, br": "br", "gzip": "gzip", "": ""} {
		t.Run("AreSentAs/"+coding, func(t *testing.T) {
			t.Parallel()
			got := get(t, h, "/assets/x-1234.js", "Accept-Encoding", accept)
			content := map[string]string{"br": "brotli of run()", "": "run()"}[coding]
			if coding == "gzip" {
				r, err := gzip.NewReader(bytes.NewReader(got.Body.Bytes()))
				if err != nil {
					t.Fatal(err)
				}
				if unpacked, err := io.ReadAll(r); err != nil || string(unpacked) != "run()" {
					t.Errorf("unpacked %q, %v", unpacked, err)
				}
			} else if got.Body.String() != content {
				t.Errorf("got %q", got.Body)
			}
			want(t, got, map[string]string{
				"Content-Type": "text/javascript; charset=utf-8", "Content-Encoding": coding, "Vary": "Accept-Encoding",
				"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
			})
			etag := got.Header().Get("ETag")
			again := get(t, h, "/assets/x-1234.js", "Accept-Encoding", accept, "If-None-Match", etag)
			if etag == "" || again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("the same content again is %d, with %d bytes", again.Code, again.Body.Len())
			}
			for other := range map[string]bool{"gzip": true, "br": true, "identity": true} {
				got := get(t, h, "/assets/x-1234.js", "Accept-Encoding", other, "If-None-Match", etag)
				if same := other == coding || other == "identity" && coding == ""; (got.Code == http.StatusNotModified) != same {
					t.Errorf("as %s it is %d to who has it as %q", other, got.Code, coding)
				}
			}
		})
	}
	t.Run("AreKeptForEverOnlyUnderAName", func(t *testing.T) {
		t.Parallel()
		want(t, get(t, h, "/robots.svg"), map[string]string{"Cache-Control": "no-cache", "Content-Type": "image/svg+xml"})
	})
}

func TestBuild(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(fstest.MapFS){
		"LacksAPage":   func(b fstest.MapFS) { delete(b, "index.html.gz"); delete(b, "index.html.br") },
		"LacksACoding": func(b fstest.MapFS) { delete(b, "assets/x-1234.js.br") },
		"IsNotPacked":  func(b fstest.MapFS) { b["assets/y.js"] = &fstest.MapFile{} },
		"HasAnUnknownType": func(b fstest.MapFS) {
			b["assets/y.exe.gz"], b["assets/y.exe.br"] = &fstest.MapFile{}, &fstest.MapFile{}
		},
	} {
		t.Run("IsRefusedWhenIt"+name, func(t *testing.T) {
			t.Parallel()
			build := fixture(t)
			broken(build)
			defer func() {
				if recover() == nil {
					t.Error("it is served")
				}
			}()
			web.HandlerOf(build, web.Options{})
		})
	}
}
