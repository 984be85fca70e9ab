package stream

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// Whoever copies a frame from the page must get through with it, and no code may be missing.
func TestThePageIsTrue(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../docs/stream.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(file)
	_, sent, _ := strings.Cut(page, "## Connecting")
	sent, received, _ := strings.Cut(sent, "## Frames you receive")
	examples := regexp.MustCompile("(?s)```json\n(.*?)```")
	kinds := map[string]bool{}
	for _, m := range examples.FindAllStringSubmatch(sent, -1) {
		// The audio of an example is not written out.
		f := parse([]byte(strings.Replace(m[1], "AAABAAIA…", "AAABAAIA", 1)))
		if f.fault != nil {
			t.Errorf("%v in\n%s", f.fault, m[1])
		}
		kinds[f.kind] = true
	}
	for _, kind := range []string{typeInit, typeSpeak, typeInterrupt, typeKeepAlive, typeEnd} {
		if !kinds[kind] {
			t.Errorf("%s has no example", kind)
		}
	}
	for _, m := range examples.FindAllStringSubmatch(received, -1) {
		if _, err := parseObject([]byte(strings.TrimSpace(m[1]))); err != nil {
			t.Errorf("%v in\n%s", err, m[1])
		}
	}
	codes := []Code{
		CodeBadFrame, CodeUnknownType, CodeInvalidInput, CodeUnauthenticated, CodeRateLimited, CodeAvatarNotReady,
		CodeRelayLost, CodeInterrupted, CodeSessionEnded, CodeUnavailable,
	}
	for _, code := range codes {
		if !strings.Contains(page, fmt.Sprintf("\n| `%s` |", code)) {
			t.Errorf("%s is not in the table", code)
		}
	}
	closes := []websocket.StatusCode{
		CloseBadFrame, CloseUnauthorized, CloseTimeout, CloseTakenOver, CloseEnded, CloseTooBig,
		websocket.StatusPolicyViolation, websocket.StatusServiceRestart, websocket.StatusTryAgainLater,
	}
	for _, code := range closes {
		if !strings.Contains(page, fmt.Sprintf("\n| %d |", code)) {
			t.Errorf("%d is not in the table", code)
		}
	}
}
