package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/auth"
	"greenroom/models"
)

const epoch models.Time = 1_790_000_000_000

// A vault is what package main would look up in the database.
type vault struct {
	mu      sync.Mutex // only where looks and changes overlap
	now     models.Time
	key     *models.APIKey
	secret  auth.Secret
	session *models.Session
	token   string
	server  *models.AvatarServerKey
	door    auth.Secret
	all     bool          // tokens are of the session
	slow    time.Duration // how long answers for many take
	down    error
	touched atomic.Int64
	looked  atomic.Int64
	rounds  atomic.Int64 // statements for many
	auth    *auth.Authenticator
}

func setup(t *testing.T, devAccount string) *vault {
	t.Helper()
	v := &vault{now: epoch, secret: auth.NewAPIKey(), door: auth.NewAvatarServerKey()}
	v.key = &models.APIKey{ID: "key_1", AccountID: "acct_1", Prefix: v.secret.Prefix}
	v.server = &models.AvatarServerKey{ID: "key_2", Prefix: v.door.Prefix}
	v.session = &models.Session{ID: "sess_1", AccountID: "acct_1", AvatarID: "avat_1", TokenGeneration: 1}
	v.token = auth.NewSigner([]byte("0123456789abcdef0123456789abcdef")).AccessToken("sess_1", 1)
	var err error
	v.auth, err = auth.NewAuthenticator(auth.Lookup{
		APIKey: func(_ context.Context, prefix string) (*models.APIKey, []byte, error) {
			v.looked.Add(1)
			v.mu.Lock()
			defer v.mu.Unlock()
			switch {
			case v.down != nil:
				return nil, nil, v.down
			case prefix != v.key.Prefix:
				return nil, nil, models.ErrNotFound
			}
			return v.key, v.secret.Hash, nil
		},
		AvatarServerKey: func(_ context.Context, prefix string) (*models.AvatarServerKey, []byte, error) {
			if prefix != v.server.Prefix {
				return nil, nil, models.ErrNotFound
			}
			return v.server, v.door.Hash, nil
		},
		Session: func(_ context.Context, hash []byte, _ models.Time) (*models.Session, error) {
			v.looked.Add(1)
			v.mu.Lock()
			defer v.mu.Unlock()
			if string(hash) != string(auth.Hash(v.token)) {
				return nil, models.ErrNotFound
			}
			return v.session, nil
		},
		APIKeys:  v.apiKeys,
		Sessions: v.sessions,
		Used:     func(string, models.Time) { v.touched.Add(1) },
	}, func() models.Time { return v.now }, devAccount)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *vault) apiKeys(_ context.Context, prefixes []string) (map[string]auth.StoredKey, error) {
	v.rounds.Add(1)
	v.looked.Add(int64(len(prefixes)))
	v.mu.Lock()
	defer v.mu.Unlock()
	found := map[string]auth.StoredKey{}
	for _, prefix := range prefixes {
		if prefix == v.key.Prefix {
			found[prefix] = auth.StoredKey{Key: v.key, Hash: v.secret.Hash}
		}
	}
	return found, v.down
}

func (v *vault) sessions(_ context.Context, hashes [][]byte, _ models.Time) (map[string]*models.Session, error) {
	v.rounds.Add(1)
	v.looked.Add(int64(len(hashes)))
	defer time.Sleep(v.slow) //nolint:forbidigo // a database takes its time: the bubble's
	v.mu.Lock()
	defer v.mu.Unlock()
	found := map[string]*models.Session{}
	for _, hash := range hashes {
		if string(hash) == string(auth.Hash(v.token)) || v.all {
			found[string(hash)] = v.session
		}
	}
	return found, v.down
}

// change alters what is stored while others may be looking.
func (v *vault) change(to func(*vault)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	to(v)
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	v := setup(t, "")
	caller, err := v.auth.Caller(t.Context(), v.secret.Text)
	if err != nil || caller.Kind != auth.APIKey || caller.AccountID != "acct_1" || caller.KeyID != "key_1" || caller.SessionID != "" {
		t.Fatalf("%+v, %v", caller, err)
	}
	if !strings.HasPrefix(v.secret.Text, "gr_live_") || len(v.secret.Text) < 40 || !strings.HasPrefix(v.secret.Text, v.secret.Prefix) {
		t.Errorf("a key of %d characters, shown as %s", len(v.secret.Text), v.secret.Prefix)
	}
	last := v.secret.Text[len(v.secret.Text)-1:]
	for _, wrong := range []string{
		"", "gr_live_", v.secret.Prefix, v.secret.Text[:len(v.secret.Text)-1], v.secret.Text + last, strings.ToLower(v.secret.Text),
		auth.NewAPIKey().Text, auth.DevKey, "gr_sess_x", "Bearer " + v.secret.Text, v.door.Text,
	} {
		if _, err := v.auth.Caller(t.Context(), wrong); !errors.Is(err, models.ErrUnauthenticated) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	v.key.RevokedAt = epoch.Ptr()
	if _, err := v.auth.Caller(t.Context(), v.secret.Text); !errors.Is(err, models.ErrUnauthenticated) {
		t.Errorf("revoked: %v", err)
	}
}

func TestAKeysUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	v := setup(t, "")
	for range 100 {
		if _, err := v.auth.Caller(t.Context(), v.secret.Text); err != nil {
			t.Fatal(err)
		}
	}
	v.now = v.now.Add(time.Minute)
	_, _ = v.auth.Caller(t.Context(), v.secret.Text)
	if n := v.touched.Load(); n != 2 {
		t.Errorf("noted %d times", n)
	}
}

func TestAccessToken(t *testing.T) {
	t.Parallel()
	v := setup(t, "")
	caller, err := v.auth.Caller(t.Context(), v.token)
	if err != nil || caller.Kind != auth.AccessToken || caller.SessionID != "sess_1" || caller.AvatarID != "avat_1" {
		t.Fatalf("%+v, %v", caller, err)
	}
	ended := v.now
	v.session.EndedAt = &ended
	v.now = v.now.Add(15 * time.Minute)
	if _, err := v.auth.Caller(t.Context(), v.token); err != nil {
		t.Errorf("15 minutes after the end: %v", err)
	}
	v.now++
	if _, err := v.auth.Caller(t.Context(), v.token); !errors.Is(err, models.ErrUnauthenticated) {
		t.Errorf("a millisecond later: %v", err)
	}
}

func TestSigner(t *testing.T) {
	t.Parallel()
	one := auth.NewSigner([]byte("0123456789abcdef0123456789abcdef"))
	two := auth.NewSigner([]byte("0123456789abcdef0123456789abcdeF"))
	tokens := map[string]bool{one.AccessToken("sess_1", 1): true, one.AccessToken("sess_1", 2): true, one.AccessToken("sess_2", 1): true, two.AccessToken("sess_1", 1): true}
	if len(tokens) != 4 || !tokens[one.AccessToken("sess_1", 1)] {
		t.Errorf("tokens: %v", tokens)
	}
}

func TestAvatarServer(t *testing.T) {
	t.Parallel()
	v := setup(t, "")
	if err := v.auth.AvatarServer(t.Context(), v.door.Text); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", v.secret.Text, v.door.Prefix, auth.NewAvatarServerKey().Text} {
		if err := v.auth.AvatarServer(t.Context(), wrong); !errors.Is(err, models.ErrUnauthenticated) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	v.server.RevokedAt = epoch.Ptr()
	if err := v.auth.AvatarServer(t.Context(), v.door.Text); !errors.Is(err, models.ErrUnauthenticated) {
		t.Errorf("revoked: %v", err)
	}
}

func TestTheDevKeyWorksOnlyWhereItHasAnAccount(t *testing.T) {
	t.Parallel()
	caller, err := setup(t, "acct_dev").auth.Caller(t.Context(), auth.DevKey)
	if err != nil || caller.AccountID != "acct_dev" {
		t.Errorf("%+v, %v", caller, err)
	}
	if _, err := setup(t, "").auth.Caller(t.Context(), auth.DevKey); !errors.Is(err, models.ErrUnauthenticated) {
		t.Error(err)
	}
}

func TestADatabaseThatFailsIsNotAWrongKey(t *testing.T) {
	t.Parallel()
	v := setup(t, "")
	v.down = errors.New("connection refused")
	if _, err := v.auth.Caller(t.Context(), v.secret.Text); models.KindOf(err) != models.KindUnavailable {
		t.Error(err)
	}
}

func TestCredential(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		authorization, key, want string
		refused                  bool
	}{
		"None":             {},
		"Bearer":           {authorization: "Bearer abc", want: "abc"},
		"AnyCase":          {authorization: "bEARER abc", want: "abc"},
		"Key":              {key: "abc", want: "abc"},
		"BothTheSame":      {authorization: "Bearer abc", key: "abc", want: "abc"},
		"BothAndDifferent": {authorization: "Bearer abc", key: "abd", refused: true},
		"OtherScheme":      {authorization: "Basic abc", refused: true},
		"SchemeAlone":      {authorization: "Bearer", refused: true},
	} {
		h := http.Header{}
		if c.authorization != "" {
			h.Set("Authorization", c.authorization)
		}
		if c.key != "" {
			h.Set("X-Api-Key", c.key)
		}
		got, err := auth.Credential(h)
		if got != c.want || (err != nil) != c.refused {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	v := setup(t, "")
	var refusal error
	gate := auth.NewGate(v.auth, auth.Failures{PerSecond: 0, Burst: 3})
	h := gate.Middleware(func(w http.ResponseWriter, _ *http.Request, err error) {
		refusal = err
		w.WriteHeader(http.StatusTeapot)
	})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := auth.From(r.Context()); c != nil {
			_, _ = w.Write([]byte(c.AccountID))
		}
	}))
	send := func(remote, key string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Api-Key", key)
		w := httptest.NewRecorder()
		refusal = nil
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	if code, who := send("10.0.0.1:1", ""); code != http.StatusOK || who != "" {
		t.Errorf("nobody: %d, %q", code, who)
	}
	for i := range 5 {
		want := models.KindUnauthenticated
		if i >= 3 {
			want = models.KindRateLimited
		}
		if send("10.0.0.1:2", "wrong"); models.KindOf(refusal) != want {
			t.Errorf("guess %d: %v", i, refusal)
		}
	}
	if code, who := send("10.0.0.1:3", v.secret.Text); code != http.StatusOK || who != "acct_1" {
		t.Errorf("a right key from the same address: %d, %q", code, who)
	}
	if _, err := gate.Admit(t.Context(), "10.0.0.1:4", "wrong"); models.KindOf(err) != models.KindRateLimited {
		t.Errorf("by another way: %v", err)
	}
	if caller, err := gate.Admit(t.Context(), "10.0.0.1:4", v.secret.Text); err != nil || caller.AccountID != "acct_1" {
		t.Errorf("a right key by another way: %+v, %v", caller, err)
	}
	if send("10.0.0.2:1", "wrong"); models.KindOf(refusal) != models.KindUnauthenticated {
		t.Errorf("another address: %v", refusal)
	}
}
