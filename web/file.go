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

// suffixes are those of the names that a build has a file under, by coding.
var suffixes = map[string]string{brotli: ".br", gzipped: ".gz"}

// A file of the build, which lies there packed in two ways. It stays there until somebody asks for
// it: most servers never show a page, and all of the pages are megabytes.
type file struct {
	dist         fs.FS
	name         string // without a suffix
	contentType  string
	cacheControl string
	etag         func() string // without the coding and the quotes
	content      func() []byte // unpacked, for the first client that takes neither coding
}

// readFiles finds all files of a build, by address.
func readFiles(dist fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch path.Ext(name) {
		case ".br": // found with its .gz
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
	f := &file{dist: dist, name: name, contentType: contentTypes[path.Ext(name)], cacheControl: "no-cache"}
	if f.contentType == "" {
		return nil, fmt.Errorf("no content type for %s", name)
	}
	// The names of assets change with their content.
	if strings.HasPrefix(name, "assets/") {
		f.cacheControl = "public, max-age=31536000, immutable"
	}
	for _, suffix := range suffixes {
		if _, err := fs.Stat(dist, name+suffix); err != nil {
			return nil, err
		}
	}
	f.etag = sync.OnceValue(f.sum)
	f.content = sync.OnceValue(f.unpack)
	return f, nil
}

// open gives the file as it is packed by a coding. It panics on what the build does not have or
// cannot read, as sum and unpack do: a test reads every file of the binary.
func (f *file) open(coding string) io.ReadSeeker {
	opened, err := f.dist.Open(f.name + suffixes[coding])
	if err != nil {
		panic(fmt.Sprintf("open a built file: %v", err))
	}
	return opened.(io.ReadSeeker) //nolint:errcheck // a file of package embed is one, and needs no Close
}

func (f *file) sum() string {
	sum := sha256.New()
	if _, err := io.Copy(sum, f.open(gzipped)); err != nil {
		panic(fmt.Sprintf("read a built file: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12])
}

func (f *file) unpack() []byte {
	r, err := gzip.NewReader(f.open(gzipped))
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
	h.Set("ETag", `"`+f.etag()+"-"+coding+`"`)
	if coding == identity {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content()))
		return
	}
	h.Set("Content-Encoding", coding)
	http.ServeContent(w, r, "", time.Time{}, f.open(coding))
}
