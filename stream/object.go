package stream

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An object is the members of a JSON object that somebody asked for, by name and still as they
// were sent: the values point into the frame. A member that is null counts as not given.
type object map[string][]byte

var (
	errNotObject = errors.New("a frame must be one JSON object in UTF-8")
	errTwice     = errors.New("a member of the frame is given twice")
)

// maxKey bounds the keys that are looked at, in bytes with quotes: as many as the longest name
// has with every character as an escape.
const maxKey = 100

// parseObject reads a whole JSON text that must be an object. It looks at every byte once and
// copies none, because a frame may be 16 MiB of audio; encoding/json does the rest on what is
// short. It is strict where readers of JSON differ: names in their exact case, valid UTF-8, and
// no second value for a member that matters.
func parseObject(data []byte, names ...string) (object, error) {
	s := scanner{data: data}
	o := object{}
	if !utf8.Valid(data) || !s.take('{') {
		return nil, errNotObject
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return nil, errNotObject
		}
		s.space()
		key, ok := s.text()
		if !ok || !s.take(':') {
			return nil, errNotObject
		}
		value, ok := s.value()
		if !ok {
			return nil, errNotObject
		}
		name, known := match(key, names)
		if !known {
			continue
		}
		if _, twice := o[name]; twice {
			return nil, errTwice
		}
		o[name] = value
	}
	if s.space(); s.at != len(data) {
		return nil, errNotObject
	}
	return o, nil
}

// match finds which of the names a key is. Hardly any key has an escape in it, and none that is
// known is long.
func match(key []byte, names []string) (string, bool) {
	is := string(key[1:min(len(key)-1, maxKey)])
	if strings.Contains(is, `\`) && (len(key) > maxKey || json.Unmarshal(key, &is) != nil) {
		return "", false
	}
	i := slices.Index(names, is)
	if i < 0 || len(key) > maxKey {
		return "", false
	}
	return names[i], true
}

// A scanner walks over JSON text.
type scanner struct {
	data []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// take steps over c, and space before it.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.at == len(s.data) || s.data[s.at] != c {
		return false
	}
	s.at++
	return true
}

// text steps over a string and gives it with its quotes.
func (s *scanner) text() ([]byte, bool) {
	if s.at == len(s.data) || s.data[s.at] != '"' {
		return nil, false
	}
	for i := s.at + 1; i < len(s.data); i++ {
		if i += plainLen(s.data[i:]); i == len(s.data) {
			break
		}
		switch c := s.data[i]; {
		case c == '"':
			raw := s.data[s.at : i+1]
			s.at = i + 1
			return raw, true
		case c == '\\':
			n := escapeLen(s.data[i:])
			if n == 0 {
				return nil, false
			}
			i += n - 1
		case c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// plainLen is a number of bytes that b begins with and that mean themselves in a string: neither a
// quote nor a backslash nor a control character is among them. It looks at eight at a time, which
// makes long audio cheap; the last few before one of these are left to the caller.
func plainLen(b []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		quote, backslash := x^ones*'"', x^ones*'\\'
		if ((x-ones*' ')&^x|(quote-ones)&^quote|(backslash-ones)&^backslash)&high != 0 {
			break
		}
	}
	return n
}

// escapeLen is the length of the escape that b begins with, 0 when it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if !isHex(c) {
				return 0
			}
		}
		return 6
	}
	return 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// value steps over any value.
func (s *scanner) value() ([]byte, bool) {
	s.space()
	if s.at == len(s.data) {
		return nil, false
	}
	switch s.data[s.at] {
	case '"':
		return s.text()
	case '{', '[':
		return s.nested()
	}
	begin := s.at
	for s.at < len(s.data) && !ends(s.data[s.at]) {
		s.at++
	}
	raw := s.data[begin:s.at]
	return raw, json.Valid(raw)
}

// ends tells whether a number, true, false or null is over at c.
func ends(c byte) bool {
	switch c {
	case ',', '}', ']', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// nested steps over an object or array: to where its brackets close. What is between them is
// encoding/json's to judge, its depth too.
func (s *scanner) nested() ([]byte, bool) {
	begin, depth := s.at, 0
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '"':
			if _, ok := s.text(); !ok {
				return nil, false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			raw := s.data[begin:s.at]
			return raw, json.Valid(raw)
		}
	}
	return nil, false
}

// given is a member's value; nil when it is absent or null.
func (o object) given(name string) []byte {
	if raw := o[name]; string(raw) != "null" {
		return raw
	}
	return nil
}

// text is a member that must be a string of at most so many bytes; nil when it is not given.
func (o object) text(name string, most int) (*string, bool) {
	raw := o.given(name)
	if raw == nil {
		return nil, true
	}
	// A longer one is not worth decoding: no byte of it takes more than an escape.
	if raw[0] != '"' || len(raw) > most*len(`\u0000`)+len(`""`) {
		return nil, false
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) > most {
		return nil, false
	}
	return &s, true
}

// integer is a member that must be a whole number; otherwise when it is not given. 16000.0 and
// 16e3 are whole: not every language can write them better.
func (o object) integer(name string, otherwise int) (int, bool) {
	raw := o.given(name)
	if raw == nil {
		return otherwise, true
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f != float64(int32(f)) {
		return 0, false
	}
	return int(f), true
}
