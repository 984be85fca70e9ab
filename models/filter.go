package models

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxListed is the most values in one condition of a filter.
const MaxListed = 100

// SessionFilter narrows a list of sessions. All conditions must hold; a nil one is none, an
// empty list matches nothing.
type SessionFilter struct {
	Status        []SessionStatus
	AvatarID      []string
	EndUserID     []string
	EndReason     []EndReason
	CreatedAfter  *Time
	CreatedBefore *Time
	// Metadata compares top-level keys with scalars. A key whose value is null counts as absent,
	// so it sets no condition.
	Metadata JSONObject
}

// Check refuses what would make a statement without bounds, and text and numbers that one of the
// databases cannot compare: INVALID_INPUT with the field.
func (f *SessionFilter) Check() error {
	for _, list := range []struct {
		field  string
		n      int
		values []string
	}{
		{"status", len(f.Status), nil}, {"avatarId", len(f.AvatarID), f.AvatarID},
		{"endUserId", len(f.EndUserID), f.EndUserID}, {"endReason", len(f.EndReason), nil},
	} {
		if list.n > MaxListed {
			return Invalid(fmt.Sprintf("at most %d values", MaxListed), "filter", list.field)
		}
		if slices.ContainsFunc(list.values, func(v string) bool { return !Storable(v) }) {
			return Invalid("a filter holds NUL or text that is not UTF-8", "filter", list.field)
		}
	}
	if len(f.Metadata) > MaxMetadataFilterKeys {
		return Invalid(fmt.Sprintf("a filter compares at most %d metadata keys", MaxMetadataFilterKeys), "filter", "metadata")
	}
	for key, want := range f.Metadata {
		if err := checkScalar(key, want); err != nil {
			return err
		}
	}
	return nil
}

func checkScalar(key string, want any) error {
	text, message := "", ""
	switch v := JSONScalar(want).(type) {
	case nil, bool:
	case string:
		text = v
	case json.Number:
		if !comparable64(v.String()) {
			message = "a metadata filter holds a number outside the range of a double"
		}
	default:
		message = "a metadata filter compares strings, numbers and booleans only"
	}
	if !Storable(key) || !Storable(text) {
		message = "a filter holds NUL or text that is not UTF-8"
	}
	if message == "" {
		return nil
	}
	return Invalid(message, "filter", "metadata")
}

// Storable tells text that every database can hold: PostgreSQL takes no NUL, and only UTF-8.
func Storable(text string) bool {
	return !strings.ContainsRune(text, 0) && utf8.ValidString(text)
}

// JSONScalar gives numbers one type, wherever they were decoded.
func JSONScalar(v any) any {
	switch v := v.(type) {
	case int64, int, float64:
		if text, err := json.Marshal(v); err == nil {
			return json.Number(text)
		}
	}
	return v
}

// Matches tells whether a settled session is in the list. The SQL twin of this rule is db's
// filter of sessions; a test holds the two together. The filter has passed Check.
func (f *SessionFilter) Matches(s *Session) bool {
	switch {
	case f.Status != nil && !slices.Contains(f.Status, s.Status()),
		f.AvatarID != nil && !slices.Contains(f.AvatarID, s.AvatarID),
		f.EndUserID != nil && (s.EndUserID == nil || !slices.Contains(f.EndUserID, *s.EndUserID)),
		f.EndReason != nil && (s.EndReason == nil || !slices.Contains(f.EndReason, *s.EndReason)),
		f.CreatedAfter != nil && s.CreatedAt < *f.CreatedAfter,
		f.CreatedBefore != nil && s.CreatedAt >= *f.CreatedBefore:
		return false
	}
	return f.matchesMetadata(s)
}

func (f *SessionFilter) matchesMetadata(s *Session) bool {
	if len(f.Metadata) == 0 {
		return true
	}
	object, err := s.Metadata.Object()
	if err != nil {
		return false // what is stored is canonical
	}
	for key, want := range f.Metadata {
		if want != nil && !equalScalars(object[key], JSONScalar(want)) {
			return false
		}
	}
	return true
}

// equalScalars compares as JSON does: 1 equals 1.0 and not "1".
func equalScalars(have, want any) bool {
	a, isNumber := have.(json.Number)
	b, wantsNumber := want.(json.Number)
	if !isNumber || !wantsNumber {
		switch have.(type) {
		case string, bool:
			return have == want
		}
		return false
	}
	return number(a).Cmp(number(b)) == 0
}

// number gives a number as the databases keep it: an integer of 64 bits, else a double.
func number(n json.Number) *big.Float {
	if i, err := n.Int64(); err == nil {
		return new(big.Float).SetInt64(i)
	}
	f, _ := n.Float64() // what is stored or checked is within its range
	return big.NewFloat(f)
}
