package emulator

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"time"

	"greenroom/models"
)

//go:embed roompage
var roomFiles embed.FS

// contentTypes are spelt out: what mime knows depends on the machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
}

// pagePolicy lets the page use its own files and this server, and nothing inline. Pictures of
// avatars may come from anywhere that speaks https.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// roomPages adds the page of each room: what a browser opens as the room's url, with a meeting
// token as ?t=. It may be mounted below any prefix.
func (e *Emulator) roomPages(mux *http.ServeMux) {
	files, err := fs.Sub(roomFiles, "roompage")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux.HandleFunc("GET /rooms/{name}", func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if !e.wasRoom(r.PathValue("name")) {
			status = http.StatusNotFound // the page says so, too
		}
		serveFile(w, r, files, "index.html", status)
	})
	mux.HandleFunc("POST /rooms/{name}/check", e.serveCheck)
	mux.HandleFunc("GET /rooms/{name}/{file}", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PathValue("file") == "join":
			e.serveSocket(w, r)
		case r.PathValue("name") == "assets":
			serveFile(w, r, files, r.PathValue("file"), http.StatusOK)
		default:
			http.NotFound(w, r)
		}
	})
}

// wasRoom tells whether there is, or was, a room of that name.
func (e *Emulator) wasRoom(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rooms[name] != nil
}

func serveFile(w http.ResponseWriter, r *http.Request, files fs.FS, name string, status int) {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	sum := sha256.Sum256(content)
	h := w.Header()
	h.Set("Content-Type", contentTypes[path.Ext(name)])
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the page's address has a token
	h.Set("Cache-Control", "no-cache")
	if status != http.StatusOK {
		w.WriteHeader(status)
		_, _ = w.Write(content) //nolint:gosec // G705: a file of ours, and the browser may be gone
		return
	}
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// serveCheck says whether a token would let in now, so that the page need not ask for a name in
// vain. The answer promises nothing.
func (e *Emulator) serveCheck(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Token string `json:"token"`
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFrame))
	if err != nil || json.Unmarshal(text, &body) != nil {
		refuse(http.StatusBadRequest, "json-parsing-error", "").write(w)
		return
	}
	name, here := "", 0
	e.do(func(now models.Time) {
		var room *room
		var grant map[string]any
		if room, grant, err = e.letIn(r.PathValue("name"), body.Token, now); err != nil {
			return
		}
		name, _ = grant["u"].(string)
		if room.meeting != nil {
			here = len(room.meeting.inside())
		}
	})
	if failed, isOne := errors.AsType[*JoinError](err); isOne {
		failed.reply().write(w)
		return
	}
	ok(object{{"user_name", name}, {"people", here}}).write(w)
}
