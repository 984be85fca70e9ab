package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// contentTypes are spelt out: what mime knows depends on the machine.
var contentTypes = map[string]string{
	".html":  "text/html; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".ico":   "image/x-icon",
	".ttf":   "font/ttf",
	".woff2": "font/woff2",
	".wasm":  "application/wasm",
}

// A file of the build, as it lies there: packed in two ways. The content itself is unpacked for
// the first client that takes neither.
type file struct {
	contentType  string
	cacheControl string
	packed       map[string][]byte // by coding
	etag         string            // without the coding and the quotes
	content      func() []byte
}

// readFiles reads all files of a build, by address.
func readFiles(dist fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch path.Ext(name) {
		case ".br": // read with its .gz
			return nil
		case ".gz":
			unpacked := strings.TrimSuffix(name, ".gz")
			files["/"+unpacked], err = readFile(dist, unpacked)
			return err
		default:
			return fmt.Errorf("%s is neither .br nor .gz", name)
		}
	})
	return files, err
}

func readFile(dist fs.FS, name string) (*file, error) {
	f := &file{contentType: contentTypes[path.Ext(name)], cacheControl: "no-cache", packed: map[string][]byte{}}
	if f.contentType == "" {
		return nil, fmt.Errorf("no content type for %s", name)
	}
	// The names of assets change with their content.
	if strings.HasPrefix(name, "assets/") {
		f.cacheControl = "public, max-age=31536000, immutable"
	}
	for coding, suffix := range map[string]string{brotli: ".br", gzipped: ".gz"} {
		content, err := fs.ReadFile(dist, name+suffix)
		if err != nil {
			return nil, err
		}
		f.packed[coding] = content
	}
	sum := sha256.Sum256(f.packed[gzipped])
	f.etag = base64.RawURLEncoding.EncodeToString(sum[:12])
	f.content = sync.OnceValue(func() []byte { return unpack(f.packed[gzipped]) })
	return f, nil
}

// unpack panics on what is broken: a test unpacks every file of the binary.
func unpack(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(fmt.Sprintf("unpack a built file: %v", err))
	}
	content, err := io.ReadAll(r)
	if err != nil {
		panic(fmt.Sprintf("unpack a built file: %v", err))
	}
	return content
}

// ServeHTTP answers 304 to a browser that has this content.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	coding := accepted(r.Header.Values("Accept-Encoding"))
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Security-Policy", Options{}.policy(""))
	h.Set("Cache-Control", f.cacheControl)
	h.Set("Vary", "Accept-Encoding")
	content := f.packed[coding]
	if content == nil {
		content = f.content()
	} else {
		h.Set("Content-Encoding", coding)
	}
	h.Set("ETag", `"`+f.etag+"-"+coding+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
