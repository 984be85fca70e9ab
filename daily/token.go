package daily

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"math"
	"strconv"
	"strings"
	"sync"

	"greenroom/models"
)

// ErrBadToken is a meeting token that is malformed or not signed with this key.
var ErrBadToken = errors.New("daily: not a meeting token of this key")

// maxToken is far above the 2048 characters that Daily recommends to stay below.
const maxToken = 8 << 10

// Claims is what a meeting token says. Times are cut to the second.
type Claims struct {
	// Room is the one room that the token opens. It is always written: to Daily a token
	// without a room opens every room of the domain.
	Room string
	// DomainID is Client.Domain's ID.
	DomainID string
	// UserID is at most 36 characters; what Eject and the webhooks know a participant by.
	UserID, UserName string
	IssuedAt         models.Time
	// Expires ends joining, not a call joined before. It is always written: to Daily a token
	// without it is good for ever.
	Expires models.Time
	Owner   bool
}

// tokenHeader is {"alg":"HS256","typ":"JWT"}, the only one that Daily uses.
const tokenHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

var rawURL = base64.RawURLEncoding.Strict()

// SignToken makes a meeting token without asking Daily: an HS256 JWT under the API key, with
// the short claim names that Daily documents for self-signing. The same claims always give the
// same string. It sets no eject flags: any of them on a token switches off the room's own, and
// with them the room's hard end.
func SignToken(key string, c Claims) string {
	return string(AppendToken(make([]byte, 0, 512), key, c))
}

// AppendToken appends what SignToken gives: a list of sessions shows a token for each.
func AppendToken(b []byte, key string, c Claims) []byte {
	var room [256]byte
	payload := appendString(append(room[:0], `{"r":`...), c.Room)
	payload = appendString(append(payload, `,"d":`...), c.DomainID)
	payload = strconv.AppendInt(append(payload, `,"iat":`...), seconds(c.IssuedAt), 10)
	payload = strconv.AppendInt(append(payload, `,"exp":`...), seconds(c.Expires), 10)
	if c.Owner {
		payload = append(payload, `,"o":true`...)
	}
	if c.UserID != "" {
		payload = appendString(append(payload, `,"ud":`...), c.UserID)
	}
	if c.UserName != "" {
		payload = appendString(append(payload, `,"u":`...), c.UserName)
	}
	payload = append(payload, '}')

	begin := len(b)
	b = append(append(b, tokenHeader...), '.')
	b = rawURL.AppendEncode(b, payload)
	sum := digest(key, b[begin:])
	return rawURL.AppendEncode(append(b, '.'), sum[:])
}

// macs keeps HMACs that are set up for a key: that costs several times the signature itself,
// and a list of sessions shows a token for each.
var macs sync.Pool

type keyed struct {
	key string
	mac hash.Hash
}

func digest(key string, signed []byte) (sum [sha256.Size]byte) {
	k, _ := macs.Get().(*keyed)
	if k == nil || k.key != key {
		k = &keyed{key: key, mac: hmac.New(sha256.New, []byte(key))}
	}
	k.mac.Reset()
	k.mac.Write(signed)
	k.mac.Sum(sum[:0])
	macs.Put(k)
	return sum
}

// VerifyToken reads a token that was signed with key and gives ErrBadToken for any other. It
// checks form and signature; whether the token is due, and for which room, is up to the caller.
// Claims that are not in the token are zero.
func VerifyToken(key, token string) (Claims, error) {
	header, rest, _ := strings.Cut(token, ".")
	body, signature, ok := strings.Cut(rest, ".")
	if !ok || len(token) > maxToken || !isHS256(header) {
		return Claims{}, ErrBadToken
	}
	given, err := rawURL.DecodeString(signature)
	if err != nil {
		return Claims{}, ErrBadToken
	}
	sum := digest(key, []byte(header+"."+body))
	if !hmac.Equal(given, sum[:]) {
		return Claims{}, ErrBadToken
	}
	payload, err := rawURL.DecodeString(body)
	if err != nil {
		return Claims{}, ErrBadToken
	}
	return parseClaims(payload)
}

// isHS256 tells whether the header names the one algorithm in use. A token never chooses how
// it is checked.
func isHS256(header string) bool {
	text, err := rawURL.DecodeString(header)
	var h struct{ Alg string }
	return err == nil && json.Unmarshal(text, &h) == nil && h.Alg == "HS256"
}

func parseClaims(payload []byte) (Claims, error) {
	var p struct {
		R, D, UD, U string
		Iat, Exp    float64
		O           bool
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return Claims{}, ErrBadToken
	}
	issued, ok1 := fromSeconds(p.Iat)
	expires, ok2 := fromSeconds(p.Exp)
	if !ok1 || !ok2 {
		return Claims{}, ErrBadToken
	}
	return Claims{
		Room: p.R, DomainID: p.D, UserID: p.UD, UserName: p.U,
		IssuedAt: issued, Expires: expires, Owner: p.O,
	}, nil
}

// appendString writes s as a JSON string. Ids and most names need no escaping.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return appendEscaped(b, s)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// seconds is the whole Unix second at or before t.
func seconds(t models.Time) int64 {
	return int64(math.Floor(float64(t) / 1000))
}

// fromSeconds reads Unix seconds, which may have a fraction; false when no sane time.
func fromSeconds(s float64) (models.Time, bool) {
	const year9999 = 253402300799
	if math.IsNaN(s) || s < 0 || s > year9999 {
		return 0, false
	}
	return models.Time(s * 1000), true
}
