package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"greenroom/web"
)

func setup(t *testing.T, o web.Options) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(web.Handler(o))
	t.Cleanup(server.Close)
	return server
}

type answer struct {
	status int
	header http.Header
	body   string
}

func get(t *testing.T, server *httptest.Server, path string, header ...string) answer {
	t.Helper()
	return do(t, server, http.MethodGet, path, header...)
}

func do(t *testing.T, server *httptest.Server, method, path string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// sources are the pages and assets as they lie in the tree, by path.
func sources(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"pages/*.html", "pages/assets/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[path] = string(text)
		}
	}
	if len(found) < 5 {
		t.Fatalf("only %d files found", len(found))
	}
	return found
}

func TestPages(t *testing.T) {
	t.Parallel()
	server := setup(t, web.Options{})
	for path, want := range map[string]string{
		"/": "<h1>", "/playground": `id="query"`, "/assets/explorer.js": "import", "/assets/base.css": ":root",
	} {
		t.Run("ServesSafely"+path, func(t *testing.T) {
			t.Parallel()
			got := get(t, server, path)
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Fatalf("got %d: %.80s", got.status, got.body)
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
				"X-Content-Type-Options":  "nosniff",
				"Referrer-Policy":         "no-referrer",
				"Cache-Control":           "no-cache",
			} {
				if got := got.header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if again := get(t, server, path, "If-None-Match", got.header.Get("ETag")); again.status != http.StatusNotModified || again.body != "" {
				t.Errorf("the same content again is %d, with %d bytes", again.status, len(again.body))
			}
			if other := get(t, server, path, "If-None-Match", `"something-older"`); other.status != http.StatusOK {
				t.Errorf("content that the browser lacks is %d", other.status)
			}
		})
	}
	for path, want := range map[string]string{"/": "text/html; charset=utf-8", "/assets/base.css": "text/css; charset=utf-8", "/assets/docs.js": "text/javascript; charset=utf-8"} {
		if got := get(t, server, path).header.Get("Content-Type"); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"/index.html", "/playground/", "/assets/", "/assets/../embed.go", "/assets/%2e%2e/index.html", "/embed.go", "/graphql"} {
		t.Run("DoesNotServe"+path, func(t *testing.T) {
			t.Parallel()
			if got := get(t, server, path); got.status != http.StatusNotFound {
				t.Errorf("got %d, want 404", got.status)
			}
		})
	}
	t.Run("IsReadOnly", func(t *testing.T) {
		t.Parallel()
		got := do(t, server, http.MethodPost, "/playground")
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("got %d, Allow %q", got.status, got.header.Get("Allow"))
		}
	})
}

func TestDefaultKey(t *testing.T) {
	t.Parallel()
	const meta = `<meta name="greenroom-default-key"`
	t.Run("IsOnThePageWhenSet", func(t *testing.T) {
		t.Parallel()
		body := get(t, setup(t, web.Options{DefaultKey: "gr_test_dev"}), "/playground").body
		if !strings.Contains(body, meta+` content="gr_test_dev">`) {
			t.Error("the page lacks the key")
		}
	})
	t.Run("IsNowhereOtherwise", func(t *testing.T) {
		t.Parallel()
		body := get(t, setup(t, web.Options{}), "/playground").body
		if strings.Contains(body, meta) || strings.Contains(body, "gr_test_dev") {
			t.Error("the page has a key")
		}
	})
	t.Run("ChangesTheETag", func(t *testing.T) {
		t.Parallel()
		with := get(t, setup(t, web.Options{DefaultKey: "gr_test_dev"}), "/playground")
		without := get(t, setup(t, web.Options{}), "/playground")
		if with.header.Get("ETag") == without.header.Get("ETag") {
			t.Error("both pages have the same ETag")
		}
	})
	t.Run("CannotBreakOutOfThePage", func(t *testing.T) {
		t.Parallel()
		body := get(t, setup(t, web.Options{DefaultKey: `"><script src=x>`}), "/playground").body
		if strings.Contains(body, "<script src=x>") {
			t.Error("the key became markup")
		}
	})
}

var (
	reference  = regexp.MustCompile(`(?:src|href)="([^"]*)"|(?:from|import) "([^"]+)"|url\(([^)]*)\)`)
	otherHost  = regexp.MustCompile(`(?i)(?:https?:|wss?:)?//[a-z0-9]`)
	inlineCode = regexp.MustCompile(`(?i)<script(?:[^>]*[^>/])?>[^<]|<style|\sstyle=|\son[a-z]+="|javascript:`)
	dangerous  = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|import\(`)
)

func TestFiles(t *testing.T) {
	t.Parallel()
	server := setup(t, web.Options{})
	for path, text := range sources(t) {
		t.Run("NameNoOtherHost/"+path, func(t *testing.T) {
			t.Parallel()
			if found := otherHost.FindString(text); found != "" {
				t.Errorf("has %q", found)
			}
		})
		t.Run("HaveNoInlineCode/"+path, func(t *testing.T) {
			t.Parallel()
			if found := inlineCode.FindString(text); found != "" && strings.HasSuffix(path, ".html") {
				t.Errorf("has %q, which the policy blocks", found)
			}
			if found := dangerous.FindString(text); found != "" {
				t.Errorf("has %q, which could turn data into code", found)
			}
		})
		t.Run("ReferToWhatIsServed/"+path, func(t *testing.T) {
			t.Parallel()
			for _, match := range reference.FindAllStringSubmatch(text, -1) {
				target, _, _ := strings.Cut(match[1]+match[2]+match[3], "#")
				if target == "" || target == "data:," {
					continue
				}
				if name, relative := strings.CutPrefix(target, "./"); relative {
					target = "/assets/" + name
				}
				if got := get(t, server, target); got.status != http.StatusOK {
					t.Errorf("refers to %q, which is %d", target, got.status)
				}
			}
		})
	}
}
