package daily_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/models"
)

// hookSecret is the one in Daily's public documentation, from which the vectors come.
const hookSecret = "NQrSA5z0FkJ44QPrFerW7uCc5kdNLv3l2FDEKDanL1U="

const (
	joinedBody = `{"version":"1.0.0","type":"participant.joined","id":"ptcpt-join-u-1708972279961","payload":{"room":"r","user_id":"u","user_name":"Ann","session_id":"s1","joined_at":1708972279.96,"will_eject_at":null,"owner":false,"networkQualityState":"unknown","permissions":{"hasPresence":true,"canSend":true,"canReceive":{"base":true},"canAdmin":false}},"event_ts":1708972279.961}`
	leftBody   = `{"version":"1.0.0","type":"participant.left","id":"ptcpt-left-u-16","payload":{"room":"r","user_id":"u","session_id":"s1","joined_at":1708972279.96,"duration":11.419,"permissions":{"canSend":["audio"]}},"event_ts":1708972302.986}`
)

// deliver signs a body as Daily does and hands it over; change may spoil the request.
func deliver(h http.Handler, stamp, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/daily", strings.NewReader(body))
	signature, _ := daily.SignWebhook(hookSecret, stamp, []byte(body))
	r.Header.Set(daily.SignatureHeader, signature)
	r.Header.Set(daily.TimestampHeader, stamp)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func millis(d time.Duration) string  { return strconv.FormatInt(time.Now().Add(d).UnixMilli(), 10) }
func seconds(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }

// TestMatrix14WebhooksForgedOrInEitherUnit is what stands between a stranger and the timelines.
func TestMatrix14WebhooksForgedOrInEitherUnit(t *testing.T) {
	t.Parallel()
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	tests := map[string]struct {
		stamp  func(time.Duration) string
		age    time.Duration
		body   string
		change func(*http.Request)
		status int
		taken  bool
	}{
		"AJoin":                          {body: joinedBody, status: 200, taken: true},
		"ALeave":                         {body: leftBody, status: 200, taken: true},
		"InSeconds":                      {body: joinedBody, stamp: seconds, status: 200, taken: true},
		"TwentyMinutesOld":               {body: joinedBody, age: -20 * time.Minute, status: 200, taken: true},
		"TwentyMinutesOldInSeconds":      {body: joinedBody, stamp: seconds, age: -20 * time.Minute, status: 200, taken: true},
		"TwentyMinutesAhead":             {body: joinedBody, age: 20 * time.Minute, status: 200, taken: true},
		"TooOld":                         {body: joinedBody, age: -20*time.Minute - time.Millisecond, status: 401},
		"TooOldInSeconds":                {body: joinedBody, stamp: seconds, age: -20*time.Minute - time.Second, status: 401},
		"TooFarAhead":                    {body: joinedBody, age: 20*time.Minute + time.Millisecond, status: 401},
		"TheTestOnCreation":              {body: `{"test":"test"}`, status: 200},
		"TheTestOnCreationForged":        {body: `{"test":"test"}`, change: header(daily.SignatureHeader, ""), status: 401},
		"AnUnknownType":                  {body: `{"type":"meeting.exploded","payload":17}`, status: 200},
		"AnotherType":                    {body: `{"type":"meeting.started","id":"m","payload":{"room":"r"},"event_ts":1}`, status: 200},
		"UnknownFields":                  {body: strings.Replace(joinedBody, `"payload":{`, `"new":[{}],"payload":{"newer":{"a":1},`, 1), status: 200, taken: true},
		"NoSignature":                    {body: joinedBody, change: func(r *http.Request) { r.Header.Del(daily.SignatureHeader) }, status: 401},
		"AnotherSignature":               {body: joinedBody, change: header(daily.SignatureHeader, "ufo53RJiMj2d83mIaoDe7PEdul2++qqkZYtynVRGqh4="), status: 401},
		"ASignatureInHex":                {body: joinedBody, change: header(daily.SignatureHeader, strings.Repeat("ab", 32)), status: 401},
		"AnotherTimestamp":               {body: joinedBody, change: header(daily.TimestampHeader, "1708526033049"), status: 401},
		"NoTimestamp":                    {body: joinedBody, change: func(r *http.Request) { r.Header.Del(daily.TimestampHeader) }, status: 401},
		"ATimestampThatIsNone":           {body: joinedBody, stamp: func(time.Duration) string { return "now" }, status: 401},
		"ATimestampWithAFraction":        {body: joinedBody, stamp: func(time.Duration) string { return seconds(0) + ".5" }, status: 401},
		"ANegativeTimestamp":             {body: joinedBody, stamp: func(time.Duration) string { return "-" + millis(0) }, status: 401},
		"ATimestampBeyondAllBounds":      {body: joinedBody, stamp: func(time.Duration) string { return strings.Repeat("9", 40) }, status: 401},
		"NoJSON":                         {body: `{"type":`, status: 400},
		"Empty":                          {body: ``, status: 400},
		"AList":                          {body: `[]`, status: 400},
		"TwoObjects":                     {body: joinedBody + joinedBody, status: 400},
		"AJoinWithoutPayload":            {body: `{"type":"participant.joined"}`, status: 400},
		"AJoinOfNobody":                  {body: strings.Replace(joinedBody, `"s1"`, `""`, 1), status: 400},
		"AJoinWithNUL":                   {body: strings.Replace(joinedBody, `"s1"`, `"s\u0000"`, 1), status: 400},
		"AJoinOfSomebodyWithAnEndlessId": {body: strings.Replace(joinedBody, `"s1"`, `"`+strings.Repeat("s", 129)+`"`, 1), status: 400},
		"AJoinInNoRoom":                  {body: strings.Replace(joinedBody, `"r"`, `"../r"`, 1), status: 400},
		"AJoinBeforeTime":                {body: strings.Replace(joinedBody, "1708972279.96,", "-1,", 1), status: 400},
		"AJoinAfterTime":                 {body: strings.Replace(joinedBody, "1708972279.96,", "1e300,", 1), status: 400},
		"ALeaveBeforeTheJoin":            {body: strings.Replace(leftBody, "11.419", "-11", 1), status: 400},
		"ABodyAtTheLimit":                {body: joinedBody + strings.Repeat(" ", 64<<10-len(joinedBody)), status: 200, taken: true},
		"ABodyBeyondIt":                  {body: joinedBody + strings.Repeat(" ", 64<<10-len(joinedBody)+1), status: 413},
		"ByGET":                          {body: joinedBody, change: func(r *http.Request) { r.Method = http.MethodGet }, status: 405},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				taken := 0
				h := daily.WebhookHandler(hookSecret, models.SystemClock, func(context.Context, daily.Event) error { taken++; return nil })
				stamp := millis
				if test.stamp != nil {
					stamp = test.stamp
				}
				w := deliver(h, stamp(test.age), test.body, test.change)
				if w.Code != test.status || (taken == 1) != test.taken || taken > 1 {
					t.Errorf("answered %d, taken %d times", w.Code, taken)
				}
			})
		})
	}

	t.Run("HowOldItIsTheGivenClockTells", func(t *testing.T) {
		t.Parallel()
		const stamped models.Time = 1_708_526_033_049
		for off, status := range map[time.Duration]int{0: 200, 20 * time.Minute: 200, 21 * time.Minute: 401, -20 * time.Minute: 200, -21 * time.Minute: 401} {
			clock := func() models.Time { return stamped.Add(off) }
			h := daily.WebhookHandler(hookSecret, clock, func(context.Context, daily.Event) error { return nil })
			if w := deliver(h, strconv.FormatInt(int64(stamped), 10), joinedBody, nil); w.Code != status {
				t.Errorf("%s later: answered %d", off, w.Code)
			}
		}
	})
	t.Run("WithoutASecretNothingIsThere", func(t *testing.T) {
		t.Parallel()
		h := daily.WebhookHandler("", models.SystemClock, func(context.Context, daily.Event) error { t.Error("taken"); return nil })
		if w := deliver(h, millis(0), joinedBody, nil); w.Code != http.StatusNotFound {
			t.Errorf("answered %d", w.Code)
		}
	})
	t.Run("WhatCouldNotBeNotedIsAskedForAgain", func(t *testing.T) {
		t.Parallel()
		h := daily.WebhookHandler(hookSecret, models.SystemClock, func(context.Context, daily.Event) error { return errors.New("canary") })
		if w := deliver(h, millis(0), joinedBody, nil); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "canary") {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
	t.Run("SaysWhoCameAndWent", func(t *testing.T) {
		t.Parallel()
		var got []daily.Event
		h := daily.WebhookHandler(hookSecret, models.SystemClock, func(_ context.Context, ev daily.Event) error { got = append(got, ev); return nil })
		deliver(h, millis(0), joinedBody, nil)
		deliver(h, millis(0), leftBody, nil)
		// Without a length, the event's own time is when they left.
		deliver(h, millis(0), strings.Replace(leftBody, `"duration":11.419,`, "", 1), nil)
		const joined models.Time = 1708972279960
		who := daily.Attendance{SessionID: "s1", UserID: "u", Joined: joined}
		named, long := who, who
		named.UserName, long.Duration = "Ann", 11419*time.Millisecond
		want := []daily.Event{
			{Type: daily.ParticipantJoined, Room: "r", Participant: named},
			{Type: daily.ParticipantLeft, Room: "r", Participant: long, Left: joined.Add(long.Duration)},
			{Type: daily.ParticipantLeft, Room: "r", Participant: who, Left: 1708972302986},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzWebhook sends what strangers send, and what Daily could: nothing unsigned is ever taken,
// nothing signed is answered other than 200, 400 or 413, and what is taken is sane.
func FuzzWebhook(f *testing.F) {
	for _, body := range []string{joinedBody, leftBody, `{"test":"test"}`, `{"type":"participant.left","payload":null}`, "", "\x00", `{"type":1}`} {
		f.Add([]byte(body), "1708526033049", "ufo53RJiMj2d83mIaoDe7PEdul2++qqkZYtynVRGqh4=")
	}
	f.Fuzz(func(t *testing.T, body []byte, stamp, signature string) {
		h := daily.WebhookHandler(hookSecret, models.SystemClock, func(_ context.Context, ev daily.Event) error {
			if ev.Participant.SessionID == "" || ev.Room == "" || ev.Participant.Joined < 0 || ev.Left < 0 ||
				(ev.Type == daily.ParticipantLeft && ev.Participant.Duration > 0 && ev.Left < ev.Participant.Joined) {
				t.Errorf("taken: %+v", ev)
			}
			return nil
		})
		forged := deliver(h, stamp, string(body), func(r *http.Request) { r.Header.Set(daily.SignatureHeader, signature) })
		if forged.Code != http.StatusUnauthorized && forged.Code != http.StatusRequestEntityTooLarge {
			// It would have to be signed, and with a time of now.
			if right, _ := daily.SignWebhook(hookSecret, stamp, body); right != signature {
				t.Errorf("a forged webhook was answered %d", forged.Code)
			}
		}
		switch honest := deliver(h, millis(0), string(body), nil); honest.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("a signed webhook was answered %d", honest.Code)
		}
	})
}
