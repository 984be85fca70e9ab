package avatarserver_test

import (
	"os"
	"regexp"
	"testing"

	"greenroom/avatarserver"
)

// Whoever copies a frame from the page must get through with it, and none may be missing there.
func TestDocumentedFramesAreValid(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/avatar-servers.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	name := regexp.MustCompile(`"type": "([a-z.]+)"`)
	for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1) {
		f, err := avatarserver.Decode(m[1])
		if err != nil || f == nil {
			t.Errorf("%v in\n%s", err, m[1])
		}
		seen[string(name.FindSubmatch(m[1])[1])] = true
	}
	for _, kind := range avatarserver.FrameTypes() {
		if !seen[kind] {
			t.Errorf("%s has no example", kind)
		}
	}
}
