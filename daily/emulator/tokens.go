package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"greenroom/daily"
)

// maxUserID is how long a user id may be.
const maxUserID = 36

// mintToken makes a meeting token. It is not said whether Daily signs such with the caller's
// key; here it does, so that one check fits all tokens.
func (e *Emulator) mintToken(c *call) reply {
	body, err := c.fields("properties")
	if err != nil {
		return answer(err)
	}
	properties := map[string]any{}
	if err := set(properties, tokenProperties, body["properties"], c.now); err != nil {
		return answer(err)
	}
	if id, _ := properties["user_id"].(string); len(id) > maxUserID {
		return invalid("user_id is longer than %d characters", maxUserID)
	}
	if name, isSet := properties["room_name"].(string); isSet && e.cfg.Knobs.TokenNeedsRoom {
		if _, found := e.live(name, c.now); !found {
			return noRoom(name)
		}
	}
	claims := map[string]any{"d": e.cfg.DomainID, "iat": int64(c.now / 1000)}
	for key, value := range properties {
		if claim := tokenProperties[key].claim; claim == "p" {
			claims[claim] = shortPermissions(value)
		} else if claim != "" {
			claims[claim] = value
		}
	}
	return ok(object{{"token", sign(e.cfg.Key, claims)}})
}

// sign makes an HS256 JWT. It is written apart from package daily's, so that each checks the
// other.
func sign(key string, claims map[string]any) string {
	var shown object
	first := []string{"r", "d", "iat"}
	for _, key := range append(first, slices.Sorted(maps.Keys(claims))...) {
		if value, isSet := claims[key]; isSet && !slices.ContainsFunc(shown, func(f field) bool { return f.key == key }) {
			shown = append(shown, field{key, value})
		}
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(compact(shown))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// readClaims checks signature and domain of a token and gives all its claims, numbers as given.
func (e *Emulator) readClaims(token string) (map[string]any, error) {
	checked, err := daily.VerifyToken(e.cfg.Key, token)
	if err != nil {
		return nil, err
	}
	if checked.DomainID != e.cfg.DomainID {
		return nil, daily.ErrBadToken
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return nil, fmt.Errorf("decode token: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	var claims map[string]any
	if err := dec.Decode(&claims); err != nil {
		return nil, fmt.Errorf("decode token: %w", err)
	}
	return claims, nil
}

// readToken answers what a token says, under the long names.
func (e *Emulator) readToken(c *call) reply {
	refused := refuse(http.StatusBadRequest, e.cfg.Knobs.InvalidToken, "invalid token")
	claims, err := e.readClaims(c.r.PathValue("token"))
	if err != nil {
		return refused
	}
	if exp, isSet := secondsOf(claims, "exp"); isSet && exp*1000 <= float64(c.now) {
		return refused
	}
	nbf, isSet := secondsOf(claims, "nbf")
	if isSet && float64(c.now) < nbf*1000 && c.r.URL.Query().Get("ignoreNbf") != "true" {
		return refused
	}
	shown := map[string]any{}
	for key, p := range tokenProperties {
		if value, isSet := claims[p.claim]; isSet {
			shown[key] = value
		}
	}
	if p, isSet := shown["permissions"]; isSet {
		shown["permissions"] = longPermissions(p)
	}
	return ok(shown)
}

// mediaNames are the short names of what a participant may send.
var mediaNames = map[string]string{"video": "v", "audio": "a", "screenVideo": "sv", "screenAudio": "sa"}

var permissionNames = map[string]string{"hasPresence": "hp", "canSend": "cs", "canReceive": "cr", "canAdmin": "ca"}

func shortPermissions(given any) map[string]any {
	short := map[string]any{}
	all, _ := given.(map[string]any)
	for key, value := range all {
		name, known := permissionNames[key]
		if list, isList := value.([]any); isList && key == "canSend" {
			var media []string
			for _, v := range list {
				long, _ := v.(string)
				media = append(media, mediaNames[long])
			}
			value = strings.Join(media, ",")
		}
		if known {
			short[name] = value
		}
	}
	return short
}

func longPermissions(short any) map[string]any {
	long := map[string]any{}
	all, _ := short.(map[string]any)
	for key, name := range permissionNames {
		value, isSet := all[name]
		if media, isText := value.(string); isText && key == "canSend" {
			list := []string{}
			for m := range strings.SplitSeq(media, ",") {
				for full, brief := range mediaNames {
					if brief == m {
						list = append(list, full)
					}
				}
			}
			value = list
		}
		if isSet {
			long[key] = value
		}
	}
	return long
}
