//go:build node

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestNodeAvatarServer runs the example avatar server of docs/examples, which somebody else
// could have written, against a Greenroom of its own. `make test-node` installs its library.
func TestNodeAvatarServer(t *testing.T) {
	in := install(t)
	p := in.serve()
	in.furnish(p)
	secret := spawn(t, in.env, "key", "create", "--avatar-server").first["secret"]
	says := startNode(t, "GREENROOM_URL="+p.first["url"], "GREENROOM_AVATAR_SERVER_KEY="+secret, "INSTANCE=node", "CAPACITY=2")

	made, err := in.createAndMaybeEnd(p, "node", false)
	if err != nil {
		t.Fatal(err)
	}
	started := in.startSession(t, p, made.id)
	if started.Session.Status != "STARTED" || started.Session.AvatarState != "READY" || !strings.HasSuffix(started.WSURI, made.id+"/stream") {
		t.Fatalf("started: %+v", started)
	}
	var ended struct {
		EndSession struct{ Session struct{ EndReason string } }
	}
	if err := in.ask(p, `mutation ($id: ID!) { endSession(input: {id: $id}) { session { endReason } } }`, map[string]any{"id": made.id}, &ended); err != nil {
		t.Fatal(err)
	}
	says(t, made.id+": left")
}

type startAnswer struct {
	Session    struct{ Status, AvatarState string }
	WSURI      string
	UserErrors []struct{ Code string }
}

// startSession asks until the avatar server has dialled in.
func (in *installation) startSession(t *testing.T, p *process, id string) startAnswer {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		var answer struct{ StartSession startAnswer }
		err := in.ask(p, `mutation ($id: ID!) {
			startSession(input: {id: $id}) { session { status avatarState } wsUri userErrors { code } }
		}`, map[string]any{"id": id}, &answer)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StartSession.WSURI != "" {
			return answer.StartSession
		}
		select {
		case <-deadline:
			t.Fatalf("never started: %+v", answer.StartSession)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// startNode runs the example; says waits for a line that holds the text.
func startNode(t *testing.T, env ...string) (says func(t *testing.T, text string)) {
	t.Helper()
	cmd := exec.Command("node", "avatar-server.js")
	cmd.Dir = "docs/examples/avatar-server-node"
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		for range lines { //nolint:revive // drained, so that the reader ends
		}
		_ = cmd.Wait()
	})
	return func(t *testing.T, text string) {
		t.Helper()
		deadline := time.After(time.Minute)
		for {
			select {
			case line, ok := <-lines:
				if !ok {
					t.Fatalf("the example ended without saying %q", text)
				}
				if strings.Contains(line, text) {
					return
				}
			case <-deadline:
				t.Fatalf("the example never said %q", text)
			}
		}
	}
}
