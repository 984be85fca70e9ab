package emulator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/daily/emulator"
)

// A step is one real call. Times in it are around t0, which is second 1790845282.
type step struct {
	method, path, body string
	status             int
	want               string
	after              time.Duration // the clock moves first
	auth               string        // other than the domain's key; "none" is none
}

func post(path, body string, status int, want string) step {
	return step{method: "POST", path: path, body: body, status: status, want: want}
}

func get(path string, status int, want string) step {
	return step{method: "GET", path: path, status: status, want: want}
}

func del(path string, status int, want string) step {
	return step{method: "DELETE", path: path, status: status, want: want}
}

func (s step) later(d time.Duration) step { s.after = d; return s }

func (s step) as(auth string) step { s.auth = auth; return s }

const (
	roomR    = `{"id":"<uuid>","name":"r","api_created":true,"privacy":"private","url":"https://acme.daily.co/r","created_at":"2026-10-01T09:01:22.000Z","config":{}}`
	createR  = `{"name":"r","privacy":"private"}`
	noR      = `{"error":"not-found","info":"room r not found"}`
	notInR   = `{"error":"not-found","info":"room r does not seem to be hosting a call currently"}`
	expiring = `{"name":"r","privacy":"private","properties":{"exp":1790845382}}` // 100 s from t0, less 345 ms
)

func bad(info string) string { return `{"error":"invalid-request-error","info":"` + info + `"}` }

var checklist = map[string][]step{
	"MissingKeyIs400": {
		get("/v1/rooms", 400, `{"error":"authorization-header-error","info":"invalid authorization header"}`).as("none"),
		get("/v1/rooms", 400, `{"error":"authorization-header-error","info":"invalid authorization header"}`).as("Basic dGVzdA=="),
		get("/v1/rooms", 400, `{"error":"authorization-header-error","info":"invalid authorization header"}`).as("Bearer a b"),
	},
	"WrongKeyIs401": {get("/v1/rooms", 401, `{"error":"authentication-error"}`).as("Bearer nope")},
	"DomainIsReadAndChanged": {
		get("/v1/", 200, `{"domain_name":"acme","domain_id":"30f866c3-9123-452a-8723-ff58322d09c5","config":{"hide_daily_branding":false,"hipaa":false,"intercom_auto_record":false,"lang":"en","max_api_keys":2,"max_webhook_count":1,"meeting_join_hook":"","redirect_on_meeting_exit":""}}`),
		post("/v1", `{"properties":{"lang":"es"}}`, 200, `{"domain_name":"acme","config":{"hide_daily_branding":false,"hipaa":false,"intercom_auto_record":false,"lang":"es","max_api_keys":2,"max_webhook_count":1,"meeting_join_hook":"","redirect_on_meeting_exit":""}}`),
	},
	"UnknownPathIs404": {get("/v1/nothing", 404, `{"error":"not-found"}`)},
	"BrokenJSON":       {post("/v1/rooms", `{"name":`, 400, `{"error":"json-parsing-error"}`)},
	"BodyMustBeObject": {post("/v1/rooms", `[]`, 400, bad("the body does not have the form that is expected"))},

	"RoomIsCreatedReadAndDeleted": {
		post("/v1/rooms", createR, 200, roomR),
		get("/v1/rooms/r", 200, roomR),
		del("/v1/rooms/r", 200, `{"deleted":true,"name":"r"}`),
		get("/v1/rooms/r", 404, noR),
		del("/v1/rooms/r", 404, noR),
	},
	"DuplicateNameIs400": {
		post("/v1/rooms", createR, 200, roomR),
		post("/v1/rooms", createR, 400, bad("a room named r already exists")),
	},
	"DeletedNameIsFree": {
		post("/v1/rooms", createR, 200, roomR),
		del("/v1/rooms/r", 200, `{"deleted":true,"name":"r"}`),
		post("/v1/rooms", createR, 200, roomR),
	},
	"NamesHaveRules": {
		post("/v1/rooms", `{"name":"a b"}`, 400, bad("a b contains invalid characters (room names can contain A-Z, a-z, 0-9, '-', and '_')")),
		post("/v1/rooms", `{"name":"a/b"}`, 400, bad("a/b contains invalid characters (room names can contain A-Z, a-z, 0-9, '-', and '_')")),
		post("/v1/rooms", `{"name":""}`, 400, bad("room names must be 1 to 128 characters long")),
		post("/v1/rooms", `{"name":"`+strings.Repeat("a", 129)+`"}`, 400, bad("room names must be 1 to 128 characters long")),
		post("/v1/rooms", `{"name":7}`, 400, bad("name should be a string")),
	},
	"UnknownKeysAreRefused": {
		post("/v1/rooms", `{"name":"r","foo":1}`, 400, bad("unknown parameter 'foo'")),
		post("/v1/rooms", `{"name":"r","properties":{"foo":1}}`, 400, bad("unknown parameter 'foo'")),
		post("/v1/meeting-tokens", `{"properties":{"foo":1}}`, 400, bad("unknown parameter 'foo'")),
		get("/v1/rooms/r", 404, noR),
	},
	"OnlyTwoPrivacies": {post("/v1/rooms", `{"privacy":"org"}`, 400, bad("privacy should be 'public' or 'private'"))},
	"ConfigShowsOnlyWhatDiffers": {
		post("/v1/rooms", `{"name":"r","privacy":"private","properties":{"sfu_switchover":0.5,"enable_screenshare":true,"max_participants":200,"lang":"en","enable_chat":true,"eject_at_room_exp":true,"exp":1790845382}}`, 200,
			strings.Replace(roomR, `"config":{}`, `"config":{"eject_at_room_exp":true,"enable_chat":true,"exp":1790845382}`, 1)),
	},
	"ValuesAreChecked": {
		post("/v1/rooms", `{"properties":{"max_participants":0}}`, 400, bad("invalid value for 'max_participants'")),
		post("/v1/rooms", `{"properties":{"max_participants":"2"}}`, 400, bad("invalid value for 'max_participants'")),
		post("/v1/rooms", `{"properties":{"eject_at_room_exp":1}}`, 400, bad("invalid value for 'eject_at_room_exp'")),
		post("/v1/rooms", `{"properties":[]}`, 400, bad("properties should be an object")),
	},
	"ExpMustBeANumberInTheFuture": {
		post("/v1/rooms", `{"properties":{"exp":1790845282}}`, 400, bad("exp was '1790845282', which is in the past rather than in the future")),
		post("/v1/rooms", `{"properties":{"exp":"1790845382"}}`, 400, bad("exp was '1790845382' but should be a number of seconds since the unix epoch")),
		post("/v1/rooms", `{"properties":{"exp":"abc"}}`, 400, bad("exp was 'abc' but should be a number of seconds since the unix epoch")),
		post("/v1/rooms", `{"name":"r","privacy":"private","properties":{"exp":1790845283}}`, 200, strings.Replace(roomR, `{}`, `{"exp":1790845283}`, 1)),
		post("/v1/rooms", `{"name":"f","privacy":"private","properties":{"exp":1790845283.5}}`, 200, strings.ReplaceAll(strings.ReplaceAll(strings.Replace(roomR, `{}`, `{"exp":1790845283.5}`, 1), `"r"`, `"f"`), `/r"`, `/f"`)),
		post("/v1/meeting-tokens", `{"properties":{"exp":1}}`, 400, bad("exp was '1', which is in the past rather than in the future")),
	},
	"ExpiredRoomIsHiddenAndDeletable": {
		post("/v1/rooms", expiring, 200, strings.Replace(roomR, `{}`, `{"exp":1790845382}`, 1)),
		get("/v1/rooms/r", 200, strings.Replace(roomR, `{}`, `{"exp":1790845382}`, 1)).later(99 * time.Second),
		get("/v1/rooms/r", 404, noR).later(time.Second),
		get("/v1/rooms", 200, `{"total_count":0,"data":[]}`),
		post("/v1/rooms/r", `{"properties":{"exp":1790849999}}`, 404, noR),
		del("/v1/rooms/r", 404, `{"error":"not-found","info":"room r not found","deleted":true}`),
		del("/v1/rooms/r", 404, noR),
	},
	"ExpiredNameIsFree": {
		post("/v1/rooms", expiring, 200, strings.Replace(roomR, `{}`, `{"exp":1790845382}`, 1)),
		post("/v1/rooms", createR, 200, strings.Replace(roomR, "09:01:22", "09:03:22", 1)).later(2 * time.Minute),
	},
	"UpdateIsPartialAndNullResets": {
		post("/v1/rooms", `{"name":"r","privacy":"private","properties":{"enable_chat":true,"lang":"de"}}`, 200, strings.Replace(roomR, `{}`, `{"enable_chat":true,"lang":"de"}`, 1)),
		post("/v1/rooms/r", `{"privacy":"public","properties":{"lang":null,"start_video_off":true}}`, 200,
			strings.Replace(strings.Replace(roomR, `{}`, `{"enable_chat":true,"start_video_off":true}`, 1), `"private"`, `"public"`, 1)),
		post("/v1/rooms/r", `{"properties":{"enable_chat":false,"exp":1}}`, 400, bad("exp was '1', which is in the past rather than in the future")),
		post("/v1/rooms/r", `{}`, 200, strings.Replace(strings.Replace(roomR, `{}`, `{"enable_chat":true,"start_video_off":true}`, 1), `"private"`, `"public"`, 1)),
	},
	"BatchIsAllOrNothing": {
		post("/v1/batch/rooms", `{"rooms":[{"name":"r","privacy":"private"},{"name":"a b"}]}`, 400, bad("a b contains invalid characters (room names can contain A-Z, a-z, 0-9, '-', and '_')")),
		post("/v1/batch/rooms", `{"rooms":[{"name":"r"},{"name":"r"}]}`, 400, bad("a room named r already exists")),
		get("/v1/rooms/r", 404, noR),
		post("/v1/batch/rooms", `{"rooms":[{"name":"r","privacy":"private"}]}`, 200, "["+roomR+"]"),
		{method: "DELETE", path: "/v1/batch/rooms", body: `{"rooms":["r","x"]}`, status: 404, want: `{"error":"not-found","info":"room x not found"}`},
		{method: "DELETE", path: "/v1/batch/rooms", body: `{"rooms":["r","r"]}`, status: 200, want: `{"deleted_count":1}`},
		get("/v1/rooms/r", 404, noR),
	},
	"ListArgumentsAreChecked": {
		get("/v1/rooms?limit=0", 400, bad("limit should be a number between 1 and 100")),
		get("/v1/rooms?limit=101", 400, bad("limit should be a number between 1 and 100")),
		get("/v1/rooms?starting_after=x", 400, bad("starting_after is not the id of anything")),
	},
	"NobodyInTheRoomIsNotHosting": {
		post("/v1/rooms/r/eject", `{"user_ids":["u"]}`, 404, noR),
		post("/v1/rooms", createR, 200, roomR),
		post("/v1/rooms/r/eject", `{"user_ids":["u"]}`, 404, notInR),
		post("/v1/rooms/r/eject", `{}`, 400, bad("missing required field")),
		post("/v1/rooms/r/eject", `{"users":["u"]}`, 400, bad("unknown parameter 'users'")),
		post("/v1/rooms/r/recordings/start", `{}`, 404, notInR),
		post("/v1/rooms/r/send-app-message", `{"data":{}}`, 404, notInR),
		get("/v1/rooms/r/get-session-data", 404, notInR),
		get("/v1/rooms/r/presence", 200, `{"total_count":0,"data":[]}`),
		get("/v1/presence", 200, `{}`),
		get("/v1/meetings?room=unheard-of", 200, `{"total_count":0,"data":[]}`),
		get("/v1/recordings", 200, `{"total_count":0,"data":[]}`),
	},
	"TokensThatDoNotVerifyAre400": {
		get("/v1/meeting-tokens/x.y.z", 400, bad("invalid token")),
		get("/v1/meeting-tokens/"+daily.SignToken("another key", daily.Claims{Room: "r", DomainID: domainID, Expires: t0 + 9e6}), 400, bad("invalid token")),
		get("/v1/meeting-tokens/"+daily.SignToken(key, daily.Claims{Room: "r", DomainID: "another domain", Expires: t0 + 9e6}), 400, bad("invalid token")),
		get("/v1/meeting-tokens/"+daily.SignToken(key, daily.Claims{Room: "r", DomainID: domainID, Expires: t0 - 1}), 400, bad("invalid token")),
		get("/v1/meeting-tokens/"+daily.SignToken(key, daily.Claims{Room: "r", DomainID: domainID, UserName: "A <b>", Owner: true, Expires: t0 + 9e6}), 200, `{"exp":1790854282,"is_owner":true,"room_name":"r","user_name":"A <b>"}`),
	},
	"MintedTokensAreSigned": {
		post("/v1/meeting-tokens", `{"properties":{"room_name":"r","user_id":"`+strings.Repeat("u", 37)+`"}}`, 400, bad("user_id is longer than 36 characters")),
		post("/v1/meeting-tokens", `{"properties":{"room_name":"r","is_owner":true,"user_id":"u1","exp":1790849000}}`, 200,
			`{"token":"`+mintedToken+`"}`),
		get("/v1/meeting-tokens/"+mintedToken, 200, `{"exp":1790849000,"is_owner":true,"room_name":"r","user_id":"u1"}`),
	},
	"WebhooksNeedAnAnsweringReceiver": {
		get("/v1/webhooks", 200, `[]`),
		post("/v1/webhooks", `{}`, 400, bad("missing required field")),
		post("/v1/webhooks", `{"url":"https://h.example","events":[]}`, 400, bad("unknown parameter 'events'")),
		post("/v1/webhooks", `{"url":"https://h.example","hmac":"?"}`, 400, bad("hmac should be base64")),
		post("/v1/webhooks", `{"url":"http://127.0.0.1:1/"}`, 400, bad("the webhook's url did not answer the test with 200")),
		get("/v1/webhooks", 200, `[]`),
		get("/v1/webhooks/x", 404, `{"error":"not-found","info":"webhook not found"}`),
		del("/v1/webhooks/x", 404, `{"error":"not-found","info":"webhook not found"}`),
		post("/v1/webhooks/x", `{}`, 404, `{"error":"not-found","info":"webhook not found"}`),
	},
}

// mintedToken is {"r":"r","d":domainID,"iat":1790845282,"exp":1790849000,"o":true,"ud":"u1"}
// under the test key, computed with Python's hmac.
const mintedToken = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyIjoiciIsImQiOiIzMGY4NjZjMy05MTIzLTQ1MmEtODcyMy1mZjU4MzIyZDA5YzUiLCJpYXQiOjE3OTA4NDUyODIsImV4cCI6MTc5MDg0OTAwMCwibyI6dHJ1ZSwidWQiOiJ1MSJ9.-PVMgBe43m1zCCU7JIZccyvpXREo0hojlRMx99o5Scg"

func TestChecklist(t *testing.T) {
	t.Parallel()
	for name, steps := range checklist {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			for i, s := range steps {
				d.pass(s.after)
				auth := map[string]string{"": "Bearer " + key, "none": ""}
				header, special := auth[s.auth]
				if !special {
					header = s.auth
				}
				status, body := d.callAs(header, s.method, s.path, s.body)
				if status != s.status {
					t.Fatalf("step %d: %s %s: status %d, want %d: %s", i, s.method, s.path, status, s.status, body)
				}
				if strings.HasPrefix(s.path, "/v1/rooms") || strings.HasPrefix(s.path, "/v1/batch") {
					body = anonymous(body)
				}
				if diff := cmp.Diff(s.want, body); diff != "" {
					t.Fatalf("step %d: %s %s (-want +got):\n%s", i, s.method, s.path, diff)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("ACallTooManyIs429", func(t *testing.T) {
		t.Parallel()
		d := setup(t, func(c *emulator.Config) {
			c.Limits.Calls = daily.Rate{Count: 2, Per: time.Hour}
			c.Limits.Deletes = daily.Rate{Count: 1, Per: time.Hour}
			c.Limits.Starts = daily.Rate{Count: 1, Per: time.Hour}
			c.Knobs.RetryAfter = 1500 * time.Millisecond
		})
		for _, s := range []step{
			get("/v1/rooms/r", 404, noR),
			get("/v1/rooms", 401, `{"error":"authentication-error"}`).as("Bearer nope"), // does not count
			get("/v1/rooms", 200, `{"total_count":0,"data":[]}`),
			get("/v1/rooms", 429, `{"error":"rate-limit-error"}`),
			del("/v1/rooms/r", 404, noR),
			del("/v1/rooms/r", 429, `{"error":"rate-limit-error"}`),
			post("/v1/rooms/r/recordings/start", "", 404, noR),
			post("/v1/rooms/r/recordings/start", "", 429, `{"error":"rate-limit-error"}`),
		} {
			header := s.auth
			if header == "" {
				header = "Bearer " + key
			}
			status, body := d.callAs(header, s.method, s.path, s.body)
			if status != s.status || body != s.want {
				t.Fatalf("%s %s: status %d %s, want %d %s", s.method, s.path, status, body, s.status, s.want)
			}
		}
	})
}
