package webhooks

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keepsNo looks for secrets, in every spelling, in the log and in the database's files.
func (w *world) keepsNo(secrets ...string) {
	w.t.Helper()
	folder := filepath.Dir(strings.TrimPrefix(w.dsn, "sqlite:"))
	files, err := os.ReadDir(folder)
	if err != nil {
		w.t.Fatal(err)
	}
	kept := w.log.String()
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			w.t.Fatal(err)
		}
		kept += string(text)
	}
	if !strings.Contains(kept, "webhook_secrets") {
		w.t.Error("this looks in the wrong place")
	}
	for _, secret := range secrets {
		encoded := strings.TrimPrefix(secret, secretPrefix)
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(raw) < 24 || encoded == secret {
			w.t.Fatalf("%q is no secret: %v", secret, err)
		}
		for _, form := range []string{encoded, string(raw), hex.EncodeToString(raw)} {
			if strings.Contains(kept, form) {
				w.t.Error("a secret is kept in the open")
			}
		}
	}
}

func TestSealer(t *testing.T) {
	t.Parallel()
	mine, err := newSealer([]byte(masterSecret))
	if err != nil {
		t.Fatal(err)
	}
	_, raw := newSecret()
	sealed := mine.seal("whk_a", raw)
	if again := mine.seal("whk_a", raw); bytes.Equal(sealed, again) {
		t.Error("the same secret looks the same twice")
	}
	if _, err := mine.signer("whk_a", sealed); err != nil {
		t.Error(err)
	}
	if _, err := mine.signer("whk_b", sealed); !errors.Is(err, errSealed) {
		t.Errorf("in another endpoint's row: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := mine.signer("whk_a", changed); !errors.Is(err, errSealed) {
			t.Fatalf("with byte %d changed: %v", i, err)
		}
	}
	if _, err := mine.signer("whk_a", nil); !errors.Is(err, errSealed) {
		t.Errorf("of nothing: %v", err)
	}
}
