package stream

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"greenroom/session"
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
	said := map[string]bool{}
	for _, m := range examples.FindAllStringSubmatch(received, -1) {
		said[checkAnswer(t, m[1])] = true
	}
	for kind := range answers {
		if !said[kind] {
			t.Errorf("%s has no example", kind)
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

// answers are the frames that the server sends, by type.
var answers = map[string]reflect.Type{
	"connection.established":       reflect.TypeFor[established](),
	"agent.speak.confirmed":        reflect.TypeFor[speakConfirmed](),
	"agent.interrupt.confirmed":    reflect.TypeFor[interruptConfirmed](),
	"session.keep_alive.confirmed": reflect.TypeFor[keepAliveConfirmed](),
	"session.expiring":             reflect.TypeFor[expiring](),
	"session.ended":                reflect.TypeFor[ended](),
	"error":                        reflect.TypeFor[failure](),
}

// checkAnswer compares an example with the frame that the server would send: it has every member,
// by the very name, and no other.
func checkAnswer(t *testing.T, example string) (kind string) {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(example), &members); err != nil {
		t.Errorf("%v in\n%s", err, example)
		return ""
	}
	kind, _ = members["type"].(string)
	if answers[kind] == nil {
		t.Errorf("the server sends no %q:\n%s", kind, example)
		return ""
	}
	frame := reflect.New(answers[kind]).Interface()
	decoder := json.NewDecoder(strings.NewReader(example))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(frame); err != nil {
		t.Errorf("%v in\n%s", err, example)
		return kind
	}
	var sent map[string]any
	if err := json.Unmarshal(encode(frame), &sent); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sent, members); d != "" {
		t.Errorf("the server sends what the page does not have:\n%s", d)
	}
	return kind
}

// What the server says of a lost command by itself, and what is handed on, is one code.
func TestRelayLostIsTheCodeOfThePage(t *testing.T) {
	t.Parallel()
	if session.ErrRelayLost.Code != string(CodeRelayLost) {
		t.Errorf("handed on as %s", session.ErrRelayLost.Code)
	}
}
