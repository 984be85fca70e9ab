package models

import (
	"crypto/rand"
	"strings"

	"github.com/oklog/ulid/v2"
)

// Prefixes of ids: what an id names can be read off it.
const (
	SessionPrefix = "sess_"
	AvatarPrefix  = "avat_"
	AccountPrefix = "acct_"
	KeyPrefix     = "key_"
	EventPrefix   = "evt_"
)

// NewID makes an id: the prefix and a ULID whose time is exactly at, so that ids of one kind
// sort by creation, in no order within a millisecond, and an object's creation time can be read
// off its id.
func NewID(prefix string, at Time) string {
	return prefix + ulid.MustNew(uint64(max(at, 0)), rand.Reader).String()
}

// derivedID is the id at that time which follows from another id: there is one for each.
func derivedID(prefix string, at Time, from string) string {
	u, err := ulid.ParseStrict(ULID(from))
	if err == nil {
		err = u.SetTime(uint64(max(at, 0)))
	}
	if err != nil {
		return NewID(prefix, at)
	}
	return prefix + u.String()
}

// FirstID sorts before every id that is made at that time or later, and behind every earlier one.
func FirstID(prefix string, at Time) string {
	var u ulid.ULID
	_ = u.SetTime(uint64(max(at, 0))) // fails beyond the year 10889, which no Time that was read is
	return prefix + u.String()
}

// ValidID tells whether id is prefix and a ULID in its one canonical spelling (upper case).
// Everything that names a row by a client's string asks this first.
func ValidID(prefix, id string) bool {
	text, ok := strings.CutPrefix(id, prefix)
	if !ok || len(text) != ulid.EncodedSize {
		return false
	}
	u, err := ulid.ParseStrict(text)
	return err == nil && u.String() == text
}

// IDTime is the creation time within a valid id.
func IDTime(id string) Time {
	_, text, _ := strings.Cut(id, "_")
	u, err := ulid.ParseStrict(text)
	if err != nil {
		return 0
	}
	return Time(u.Time()) //nolint:gosec // G115: 48 bits fit
}

// ULID is the part of an id behind its prefix.
func ULID(id string) string {
	_, text, _ := strings.Cut(id, "_")
	return text
}
