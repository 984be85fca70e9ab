package web_test

import (
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"greenroom/web"
)

var (
	reference  = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	otherHost  = regexp.MustCompile(`(?i)(?:https?:|wss?:)?//[a-z0-9]`)
	inlineCode = regexp.MustCompile(`(?i)<script(?:[^>]*[^>/])?>[^<]|<style|\sstyle=|\son[a-z]+="|javascript:`)
)

// What is in the binary is served whole; that no other host is asked is a browser's to show.
func TestBuilt(t *testing.T) {
	t.Parallel()
	h := web.Handler(web.Options{})
	for _, path := range []string{"/", "/playground"} {
		t.Run("PageStandsAlone"+path, func(t *testing.T) {
			t.Parallel()
			text := get(t, h, path).Body.String()
			if found := otherHost.FindString(text); found != "" {
				t.Errorf("has %q", found)
			}
			if found := inlineCode.FindString(text); found != "" {
				t.Errorf("has %q, which the policy blocks", found)
			}
			if strings.Contains(text, "%") {
				t.Errorf("has a place that is not filled in: %s", text)
			}
			scripts := 0
			for _, match := range reference.FindAllStringSubmatch(text, -1) {
				if match[1] == "data:," {
					continue
				}
				if got := get(t, h, match[1]); got.Code != http.StatusOK || !strings.HasPrefix(match[1], "/assets/") {
					t.Errorf("refers to %q, which is %d", match[1], got.Code)
				}
				if strings.HasSuffix(match[1], ".js") {
					scripts++
				}
			}
			if scripts == 0 {
				t.Error("has no script")
			}
		})
	}
	t.Run("FilesUnpack", func(t *testing.T) {
		t.Parallel()
		files := 0
		err := fs.WalkDir(web.Built(), ".", func(name string, _ fs.DirEntry, err error) error {
			address, packed := strings.CutSuffix("/"+name, ".gz")
			if err != nil || !packed || strings.HasSuffix(address, ".html") {
				return err
			}
			files++
			if got := get(t, h, address); got.Code != http.StatusOK || got.Body.Len() == 0 {
				t.Errorf("%s is %d, with %d bytes", address, got.Code, got.Body.Len())
			}
			return nil
		})
		if err != nil || files < 5 {
			t.Errorf("%d files, %v", files, err)
		}
	})
}
