package transport

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for frame, kind := range map[string]string{
		`{"type":"connection_init"}`:                           typeInit,
		`{"type":"connection_init","payload":null}`:            typeInit,
		` {"payload":{},"type":"connection_init","id":5} `:     typeInit,
		`{"type":"ping","payload":{"a":1}}`:                    typePing,
		`{"type":"pong"}`:                                      typePong,
		`{"type":"complete","id":"1","payload":5}`:             typeComplete,
		`{"type":"subscribe","id":"1","payload":{"query":""}}`: typeSubscribe,
		`{"type":"subscribe","id":"1","payload": {"query":"q","variables":null,"operationName":null,"extensions":{"a":1},"more":[]}}`: typeSubscribe,
		`{"type":"ping","type":"subscribe","id":"1","id":"2","payload":{"query":"q"}}`:                                                typeSubscribe,
		`{"type":"subscribe","id":"1","payload":{"query":"q","variables":{"n":12345678901234567890}}}`:                                typeSubscribe,
		`{"\u0074ype":"\u0070ing"}`: typePing,
	} {
		m, err := parse([]byte(frame))
		if err != nil || m.kind != kind {
			t.Errorf("%s is %+v, %v", frame, m, err)
		}
	}
	m, err := parse([]byte(`{"type":"subscribe","id":"\uD83D\uDE00","payload":{"query":"q","variables":{"n":1.50}}}`))
	if err != nil || m.id != "😀" || m.params.Query != "q" || m.params.Variables["n"] != json.Number("1.50") {
		t.Errorf("read as %+v, %v", m, err)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"1", strings.Repeat("x", 500), strings.Repeat("é", 500), strings.Repeat("x", 93) + "é"} {
		got := clip("Subscriber for "+id, " already exists")
		if len(got) > maxReason || !utf8.ValidString(got) || !strings.HasPrefix(got, "Subscriber for ") || !strings.HasSuffix(got, " already exists") {
			t.Errorf("%q is told as %q of %d bytes", id, got, len(got))
		}
	}
}

// Whatever a client sends is either a message with all that its type needs, or refused with a
// text that fits a close frame and repeats nothing; and what is answered to it is JSON again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"type":"connection_init","payload":{"authorization":"Bearer x"}}`, `{"type":"ping","payload":{"a":[1,{}]}}`, `{"type":"pong","payload":null}`,
		`{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":{"b":"\ud800"},"operationName":"c"}}`, `{"type":"complete","id":"<&>\u2028"}`,
		`[]`, `null`, `{"type":"subscribe","id":"\ud800"}`, "{\"type\":\"\xff\"}", strings.Repeat("[", 200), `{"id":"1","type":"next","payload":{}}`, `{"type":"ping","payload":[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := parse(frame)
		if err != nil {
			if m != nil && m.params != nil {
				t.Fatalf("refused and taken: %+v", m)
			}
			if len(err.Error()) > maxReason || (len(frame) > 8 && strings.Contains(err.Error(), string(frame))) {
				t.Fatalf("refused with %q", err)
			}
			return
		}
		switch m.kind {
		case typeInit, typePing, typePong:
			if answer := simple(typePong, m.payload); !json.Valid(answer) {
				t.Fatalf("answered %s", answer)
			}
			_, _ = credentialIn(m.payload)
		case typeSubscribe, typeComplete:
			if m.id == "" || !utf8.ValidString(m.id) || (m.kind == typeSubscribe && (m.params == nil) == (m.refused == nil)) {
				t.Fatalf("taken as %+v", m)
			}
			answer := nextMessage(plain(m.id), &graphql.Response{Data: json.RawMessage(`null`)})
			var back struct{ ID string }
			if err := json.Unmarshal(answer, &back); err != nil || back.ID != m.id {
				t.Fatalf("answered %s, %v", answer, err)
			}
		default:
			t.Fatalf("taken as %+v", m)
		}
	})
}
