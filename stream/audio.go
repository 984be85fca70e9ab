package stream

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
)

var (
	errNotBase64 = errors.New("audio must be a string of base64: the standard alphabet with + and /, padded with =, without line breaks or a data: prefix")
	errNoSamples = errors.New("audio must not be empty")
	errOddBytes  = errors.New("audio must be whole 16-bit samples: an even number of bytes")
)

// decodeAudio reads a JSON string of base64 in the bytes that it came in, so that a frame of
// 16 MiB takes no more than those. Only the standard alphabet with its padding is taken: what
// one server guesses right another guesses wrong.
func decodeAudio(raw []byte) ([]byte, error) {
	if raw[0] != '"' {
		return nil, errNotBase64
	}
	text, ok := unescape(raw[1 : len(raw)-1])
	if !ok || len(text)%4 != 0 {
		return nil, errNotBase64
	}
	n, ok := decodeInPlace(text)
	switch {
	case !ok:
		return nil, errNotBase64
	case n == 0:
		return nil, errNoSamples
	case n%2 != 0:
		return nil, errOddBytes
	}
	return text[:n], nil
}

// unescape undoes in place the escapes that writers of JSON put into base64: some write every
// slash as \/, some a plus as \u002b. Any other has no business there.
func unescape(text []byte) ([]byte, bool) {
	from := bytes.IndexByte(text, '\\')
	if from < 0 {
		return text, true
	}
	to := from
	for from < len(text) {
		c := text[from]
		n := 1
		if c == '\\' {
			n = escapeLen(text[from:])
			if c = text[from+1]; c == 'u' {
				point, err := strconv.ParseUint(string(text[from+2:from+6]), 16, 8)
				if err != nil || point < ' ' { // a line break, which the standard library would skip
					return nil, false
				}
				c = byte(point)
			} else if c != '/' {
				return nil, false
			}
		}
		text[to] = c
		to, from = to+1, from+n
	}
	return text[:to], true
}

// block is how many characters are decoded at a time.
const block = 4096

// decodeInPlace overwrites base64 with what it means and gives its length. The output never
// gets ahead of the input: 3 bytes for 4 characters.
func decodeInPlace(text []byte) (length int, ok bool) {
	var plain [block / 4 * 3]byte
	for rest := text; len(rest) > 0; {
		part := rest[:min(len(rest), block)]
		rest = rest[len(part):]
		n, err := base64.StdEncoding.Decode(plain[:], part)
		if err != nil || len(rest) > 0 && n != len(plain) {
			return 0, false
		}
		length += copy(text[length:], plain[:n])
	}
	return length, true
}
