package stream

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// outcome is what became of a frame, for comparing.
func outcome(f frame) string {
	if f.fault != nil {
		return string(f.fault.code) + ": " + f.fault.text
	}
	switch f.kind {
	case typeInit:
		return fmt.Sprint(f.kind, " ", f.init.sessionID, " ", f.init.token)
	case typeSpeak:
		return fmt.Sprintf("%s %q %d %q", f.kind, f.speak.audio, f.speak.sampleRate, f.speak.text)
	}
	return f.kind
}

func TestParse(t *testing.T) {
	t.Parallel()
	const (
		notObject = "BAD_FRAME: a frame must be one JSON object in UTF-8"
		twice     = "BAD_FRAME: a member of the frame is given twice"
		noType    = "BAD_FRAME: a frame must have a type, a string"
		unknown   = "UNKNOWN_TYPE: type must be one of agent.speak, agent.interrupt, session.keep_alive and session.end"
		notBase64 = "INVALID_INPUT: audio must be a string of base64: the standard alphabet with + and /, padded with =, without line breaks or a data: prefix"
		rate      = "INVALID_INPUT: sample_rate must be a whole number from 8000 to 48000"
		either    = "INVALID_INPUT: agent.speak must have either audio or text"
		badText   = "INVALID_INPUT: text must be a string of 1 to 16384 bytes"
		badID     = "INVALID_INPUT: id must be a string of at most 128 characters"
		platform  = "INVALID_INPUT: Invalid room platform"
		spoken    = `agent.speak "abcd" 16000 ""`
	)
	for name, c := range map[string]struct{ frame, want string }{
		"Empty":            {``, notObject},
		"Half":             {`{"type": "agent.inter`, notObject},
		"HalfMember":       {`{"type": "agent.interrupt"`, notObject},
		"HalfNested":       {`{"type": "agent.interrupt", "x": [1, {"y": 2}`, notObject},
		"Array":            {`["agent.interrupt"]`, notObject},
		"String":           {`"agent.interrupt"`, notObject},
		"Null":             {`null`, notObject},
		"Two":              {`{"type": "agent.interrupt"}{}`, notObject},
		"TrailingComma":    {`{"type": "agent.interrupt",}`, notObject},
		"BadEscape":        {`{"type": "agent.interrupt", "x": "\q"}`, notObject},
		"BadNumber":        {`{"type": "agent.interrupt", "x": 01}`, notObject},
		"LineBreak":        {"{\"type\": \"agent.interrupt\", \"x\": \"\n\"}", notObject},
		"NotUTF8":          {"{\"type\": \"agent.interrupt\", \"x\": \"\xff\"}", notObject},
		"TypeTwice":        {`{"type": "agent.interrupt", "type": "session.end"}`, twice},
		"TypeTwiceEscaped": {`{"type": "agent.interrupt", "t\u0079pe": "session.end"}`, twice},
		"UnknownTwice":     {`{"x": 1, "type": "agent.interrupt", "x": 2}`, "agent.interrupt"},
		"NoType":           {`{}`, noType},
		"NullType":         {`{"type": null}`, noType},
		"NumberType":       {`{"type": 1}`, noType},
		"OtherCase":        {`{"Type": "agent.interrupt"}`, noType},
		"UnknownType":      {`{"type": "agent.dance"}`, unknown},
		"EscapedType":      {`{"typ\u0065": "agent\u002einterrupt"}`, "agent.interrupt"},
		"Spaces":           {" \r\n\t{ \"type\" : \"agent.interrupt\" , \"x\" : [ ] } \n", "agent.interrupt"},
		"More":             {`{"x": {"type": "session.end", "y": ["}", "]", "\"", {}]}, "type": "session.keep_alive"}`, "session.keep_alive"},
		"IDIsNumber":       {`{"type": "agent.interrupt", "id": 1}`, badID},
		"IDTooLong":        {`{"type": "agent.interrupt", "id": "` + strings.Repeat("ü", 129) + `"}`, badID},
		"IDIsLong":         {`{"type": "agent.interrupt", "id": "` + strings.Repeat("😀", 128) + `"}`, "agent.interrupt"},

		"Audio":         {`{"type": "agent.speak", "audio": "YWJjZA=="}`, spoken},
		"AudioFirst":    {`{"audio": "YWJjZA==", "type": "agent.speak"}`, spoken},
		"Rate":          {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": 48000}`, `agent.speak "abcd" 48000 ""`},
		"RateIsFloat":   {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": 8000.0}`, `agent.speak "abcd" 8000 ""`},
		"RateIsNull":    {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": null}`, spoken},
		"RateIsZero":    {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": 0}`, rate},
		"RateTooLow":    {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": 7999}`, rate},
		"RateTooHigh":   {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": 48001}`, rate},
		"RateIsHuge":    {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": 1e300}`, rate},
		"RateIsBroken":  {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": 16000.5}`, rate},
		"RateIsString":  {`{"type": "agent.speak", "audio": "YWJjZA==", "sample_rate": "16000"}`, rate},
		"RateWithText":  {`{"type": "agent.speak", "text": "hi", "sample_rate": 0}`, rate},
		"NoAudio":       {`{"type": "agent.speak"}`, either},
		"NullAudio":     {`{"type": "agent.speak", "audio": null}`, either},
		"Both":          {`{"type": "agent.speak", "audio": "YWJjZA==", "text": "hi"}`, either},
		"EmptyAudio":    {`{"type": "agent.speak", "audio": ""}`, "INVALID_INPUT: audio must not be empty"},
		"OddAudio":      {`{"type": "agent.speak", "audio": "YWJj"}`, "INVALID_INPUT: audio must be whole 16-bit samples: an even number of bytes"},
		"AudioIsArray":  {`{"type": "agent.speak", "audio": [1, 2]}`, notBase64},
		"NotBase64":     {`{"type": "agent.speak", "audio": "!!!!"}`, notBase64},
		"Unpadded":      {`{"type": "agent.speak", "audio": "YWJjZA"}`, notBase64},
		"PaddedInside":  {`{"type": "agent.speak", "audio": "YQ==YWJjZA=="}`, notBase64},
		"DataURL":       {`{"type": "agent.speak", "audio": "data:audio/pcm;base64,YWJjZA=="}`, notBase64},
		"Lines":         {`{"type": "agent.speak", "audio": "YWJj\r\nZA=="}`, notBase64},
		"LinesByCode":   {`{"type": "agent.speak", "audio": "YWJj\u000aZA=="}`, notBase64},
		"Beyond":        {`{"type": "agent.speak", "audio": "\u0159\u0157JjZA=="}`, notBase64},
		"Standard":      {`{"type": "agent.speak", "audio": "//++/v79"}`, `agent.speak "\xff\xff\xbe\xfe\xfe\xfd" 16000 ""`},
		"URLSafe":       {`{"type": "agent.speak", "audio": "__--_v79"}`, notBase64},
		"EscapedSlash":  {`{"type": "agent.speak", "audio": "\/\/++\/v79"}`, `agent.speak "\xff\xff\xbe\xfe\xfe\xfd" 16000 ""`},
		"EscapedPlus":   {`{"type": "agent.speak", "audio": "//\u002B\u002b/v79"}`, `agent.speak "\xff\xff\xbe\xfe\xfe\xfd" 16000 ""`},
		"Text":          {`{"type": "agent.speak", "text": "Gr\u00fc\u00df \"dich\""}`, `agent.speak "" 0 "Grüß \"dich\""`},
		"EmptyText":     {`{"type": "agent.speak", "text": ""}`, badText},
		"TextIsNumber":  {`{"type": "agent.speak", "text": 5}`, badText},
		"TextIsLong":    {`{"type": "agent.speak", "text": "` + strings.Repeat("a", MaxText) + `"}`, `agent.speak "" 0 "` + strings.Repeat("a", MaxText) + `"`},
		"TextIsTooLong": {`{"type": "agent.speak", "text": "` + strings.Repeat("a", MaxText+1) + `"}`, badText},

		"Flat":               {`{"type": "session.init", "session_id": "s", "access_token": "t"}`, "session.init s t"},
		"FlatLater":          {`{"type": "session.init", "session_id": "s", "session_token": "t"}`, "session.init s t"},
		"Config":             {`{"type": "session.init", "config": {"session_id": "s", "access_token": "t", "room": {"platform": "daily", "url": "u", "token": "r", "display_name": "Ada"}, "video_width": 1280, "video_height": 720}}`, "session.init s t"},
		"ConfigWithoutToken": {`{"type": "session.init", "session_id": "s", "access_token": "t", "config": {"video_width": 640}}`, "session.init s t"},
		"ConfigIsString":     {`{"type": "session.init", "config": "s"}`, "INVALID_INPUT: config must be an object, with nothing given twice"},
		"OtherPlatform":      {`{"type": "session.init", "config": {"session_id": "s", "access_token": "t", "room": {"platform": "livekit"}}}`, platform},
		"PlatformIsNumber":   {`{"type": "session.init", "session_id": "s", "access_token": "t", "room": {"platform": 1}}`, platform},
		"RoomIsString":       {`{"type": "session.init", "session_id": "s", "access_token": "t", "room": "daily"}`, platform},
		"RoomAlone":          {`{"type": "session.init", "session_id": "s", "access_token": "t", "room": {}}`, "session.init s t"},
		"NoSession":          {`{"type": "session.init", "access_token": "t"}`, "INVALID_INPUT: session.init must have a session_id"},
		"SessionIsNumber":    {`{"type": "session.init", "session_id": 1, "access_token": "t"}`, "INVALID_INPUT: session_id must be a string, the session's id"},
		"TokenIsNumber":      {`{"type": "session.init", "session_id": "s", "access_token": 1}`, "INVALID_INPUT: access_token must be a string, the session's access token"},
		"NoToken":            {`{"type": "session.init", "session_id": "s"}`, "UNAUTHENTICATED: session.init must have the session's access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, outcome(parse([]byte(c.frame)))); d != "" {
				t.Error(d)
			}
		})
	}
}

// Whatever is cut into blocks must come out as if it were not.
func TestAudioIsDecodedInPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pcm := rapid.SliceOfN(rapid.Byte(), 1, 3*block).Draw(t, "pcm")
		if len(pcm)%2 != 0 {
			pcm = append(pcm, 7)
		}
		text := base64.StdEncoding.EncodeToString(pcm)
		if rapid.Bool().Draw(t, "escaped") {
			text = strings.NewReplacer("/", `\/`, "+", `\u002b`).Replace(text)
		}
		got, err := decodeAudio([]byte(`"` + text + `"`))
		if err != nil || !bytes.Equal(got, pcm) {
			t.Fatalf("%d bytes came out as %d, %v", len(pcm), len(got), err)
		}
	})
}

// Strings are read eight bytes at a time: no place among the eight may be overlooked.
func TestStringsAreReadAsTheStandardLibraryDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "AAAAAAA", "\"", "\\", "\\n", "\\u0041", "\x1f", "\x7f", " ", "ü", "😀", "\xff"}), 0, 30).Draw(t, "parts")
		text := `{"x": "` + strings.Join(parts, "") + `"}`
		_, err := parseObject([]byte(text))
		if want := json.Valid([]byte(text)) && utf8.ValidString(text); (err == nil) != want {
			t.Fatalf("%q: valid %t, answered %v", text, want, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `{`, `{}`, `[]`, `{"a":1,"a":2}`, `{"type":"agent.speak","audio":"YWJjZA==","sample_rate":8e3,"id":"x"}`,
		`{"type":"agent.speak","audio":"\/\u002bAA"}`, `{"type":"agent.speak","text":"\ud83d\ude00\ud83d"}`,
		`{"type":"session.init","config":{"session_id":"s","access_token":"t","room":{"platform":"daily"}}}`,
		`{"x":[{"}":"]"}],"type":"agent.interrupt"}`, "{\"type\":\"\xff\"}", `{"type":"agent.interrupt","id":"\u0000"} `,
		`{"a":tru}`, `{"a":-}`, `{"a":1e5,"b":[nul]}`, `{"\u0074ype":"session.end"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var members map[string]json.RawMessage
		valid := utf8.Valid(data) && json.Unmarshal(data, &members) == nil && members != nil
		original := bytes.Clone(data)
		_, err := parseObject(data, "type", "audio")
		if !bytes.Equal(data, original) {
			t.Fatal("reading has changed the text")
		}
		if (err == nil || errors.Is(err, errTwice)) != valid {
			t.Fatalf("%q is JSON: %t, but answered %v", data, valid, err)
		}
		got := parse(data)
		if !valid && (got.fault == nil || got.fault.code != CodeBadFrame) {
			t.Fatalf("%q was understood", original)
		}
		if got.fault != nil {
			return
		}
		agrees(t, members, got)
	})
}

// agrees compares a frame that was taken with what the standard library reads.
func agrees(t *testing.T, members map[string]json.RawMessage, got frame) {
	t.Helper()
	var want struct {
		kind, text string
		audio      []byte
	}
	_ = json.Unmarshal(members["type"], &want.kind)
	_ = json.Unmarshal(members["text"], &want.text)
	if want.kind != got.kind {
		t.Fatalf("type %q was read as %q", want.kind, got.kind)
	}
	if got.kind != typeSpeak {
		return
	}
	if err := json.Unmarshal(members["audio"], &want.audio); err != nil && got.speak.audio != nil {
		t.Fatalf("audio that the standard library refuses: %v", err)
	}
	if !bytes.Equal(want.audio, got.speak.audio) || want.text != got.speak.text {
		t.Fatalf("%q was spoken as %q", members, got.speak.audio)
	}
}

func BenchmarkParseLargeFrame(b *testing.B) {
	frame := []byte(`{"type":"agent.speak","sample_rate":48000,"audio":"` + base64.StdEncoding.EncodeToString(make([]byte, 12_000_000)) + `"}`)
	data := make([]byte, len(frame))
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		copy(data, frame)
		if f := parse(data); f.fault != nil {
			b.Fatal(f.fault)
		}
	}
}
