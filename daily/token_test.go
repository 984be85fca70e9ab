package daily_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/models"
)

func TestSignToken(t *testing.T) {
	t.Parallel()
	claims := daily.Claims{
		Room: "s-01", DomainID: domainID, UserID: "sess_01", UserName: `Ann "Änn" <x>`,
		IssuedAt: 1790845200_999, Expires: 1790847000_999, Owner: true,
	}
	// Computed with Python's hmac and base64 from
	// {"r":"s-01","d":"…","iat":1790845200,"exp":1790847000,"o":true,"ud":"sess_01","u":"Ann \"Änn\" <x>"}
	const want = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyIjoicy0wMSIsImQiOiIzMGY4NjZjMy05MTIzLTQ1MmEtODcyMy1mZjU4MzIyZDA5YzUiLCJpYXQiOjE3OTA4NDUyMDAsImV4cCI6MTc5MDg0NzAwMCwibyI6dHJ1ZSwidWQiOiJzZXNzXzAxIiwidSI6IkFubiBcIsOEbm5cIiA8eD4ifQ.HnAEWajLS5MsqucTIzTPRWfv1OmpZT0DIRN8pJky3Lo"
	token := daily.SignToken("test-key", claims)
	if token != want {
		t.Errorf("got  %s\nwant %s", token, want)
	}
	got, err := daily.VerifyToken("test-key", token)
	claims.IssuedAt, claims.Expires = 1790845200_000, 1790847000_000
	if diff := cmp.Diff(claims, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestSignTokenAlwaysNamesRoomAndEnd(t *testing.T) {
	t.Parallel()
	got, err := daily.VerifyToken(key, daily.SignToken(key, daily.Claims{}))
	if err != nil || got != (daily.Claims{}) {
		t.Errorf("got %+v, %v", got, err)
	}
	// {"r":"","d":"","iat":0,"exp":0}: good for no room and at no time.
	if token := daily.SignToken(key, daily.Claims{}); !strings.Contains(token, ".eyJyIjoiIiwiZCI6IiIsImlhdCI6MCwiZXhwIjowfQ.") {
		t.Errorf("token %s", token)
	}
}

func TestVerifyTokenRefuses(t *testing.T) {
	t.Parallel()
	good := daily.SignToken(key, daily.Claims{Room: "r", DomainID: domainID, Expires: 1e12})
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"Nothing":        "",
		"TwoParts":       parts[0] + "." + parts[1],
		"FourParts":      good + ".x",
		"OtherKey":       daily.SignToken("other", daily.Claims{Room: "r"}),
		"OtherPayload":   parts[0] + "." + strings.Split(daily.SignToken(key, daily.Claims{Room: "s"}), ".")[1] + "." + parts[2],
		"NoSignature":    parts[0] + "." + parts[1] + ".",
		"AlgNone":        "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"Padded":         good + "=",
		"LooseLastBits":  good[:len(good)-1] + looser(good[len(good)-1]),
		"LongerThanSane": good + strings.Repeat("A", 9000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if claims, err := daily.VerifyToken(key, token); err == nil {
				t.Errorf("took it for %+v", claims)
			}
		})
	}
}

// looser changes the bits of a last base64 character that a lenient decoder ignores.
func looser(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

func FuzzVerifyToken(f *testing.F) {
	f.Add(daily.SignToken(key, daily.Claims{Room: "r", DomainID: "d", Expires: 1e12}))
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0..")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := daily.VerifyToken(key, token)
		if err != nil {
			return
		}
		// Only what this key has signed gets here, and signing is deterministic.
		if again := daily.SignToken(key, claims); again != token {
			t.Errorf("verified %q, which signs as %q", token, again)
		}
	})
}

func FuzzSignToken(f *testing.F) {
	f.Add("r", "d", "u", "Ann", int64(1), int64(1e12), true)
	f.Add("", "\"\\\n", "\u2028", "<&>", int64(0), int64(253402300799000), false)
	f.Fuzz(func(t *testing.T, room, domain, id, name string, issued, expires int64, owner bool) {
		issued, expires = max(0, issued)%253402300799000/1000*1000, max(0, expires)%253402300799000/1000*1000
		valid := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
		want := daily.Claims{
			Room: valid(room), DomainID: valid(domain), UserID: valid(id), UserName: valid(name),
			IssuedAt: models.Time(issued), Expires: models.Time(expires), Owner: owner,
		}
		token := daily.SignToken(key, want)
		got, err := daily.VerifyToken(key, token)
		if len(token) > 8<<10 {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func BenchmarkSignToken(b *testing.B) {
	claims := daily.Claims{
		Room: "s-01JABCDEFGHJKMNPQRSTVWXYZ0", DomainID: domainID, UserID: "sess_01JABCDEFGHJKMNPQRSTVWXYZ0",
		IssuedAt: 1790845200_000, Expires: 1790847000_000,
	}
	b.ReportAllocs()
	for b.Loop() {
		daily.SignToken(key, claims)
	}
}

// TestSignWebhook uses the secret in Daily's public documentation.
func TestSignWebhook(t *testing.T) {
	t.Parallel()
	const secret = "NQrSA5z0FkJ44QPrFerW7uCc5kdNLv3l2FDEKDanL1U="
	for _, v := range []struct{ stamp, body, want string }{
		{"1708526033", `{"test":"test"}`, "ufo53RJiMj2d83mIaoDe7PEdul2++qqkZYtynVRGqh4="},
		{"1708526033049", `{"version":"1.0.0","type":"meeting.ended","id":"met-end-1","payload":{"room":"r1"},"event_ts":1708526125.197}`, "maJKIwZkEhVqvCniOejIV+rd66RXAuuwuzvNO0wj2d4="},
	} {
		if got, err := daily.SignWebhook(secret, v.stamp, []byte(v.body)); got != v.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", v.stamp, got, err, v.want)
		}
	}
	if _, err := daily.SignWebhook("not base64!", "1", nil); err == nil || strings.Contains(err.Error(), "not base64!") {
		t.Errorf("a bad secret: %v", err)
	}
}
