package models

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a session's metadata.
const (
	MaxMetadataBytes = 16 << 10
	MaxMetadataDepth = 8
	// MaxMetadataFilterKeys is how many top-level keys one filter may compare.
	MaxMetadataFilterKeys = 5
)

// Metadata is a JSON object in canonical text: keys sorted, no white space, numbers as they
// were given, top-level keys with the value null left out.
type Metadata string

// EmptyMetadata is what a session has when none was given.
const EmptyMetadata Metadata = "{}"

// NewMetadata makes the canonical text of an object decoded from JSON (json.Number or Go
// numbers). It refuses what not every database can hold or compare: NUL, text that is not
// UTF-8, numbers beyond a double, and what is larger or deeper than the limits.
func NewMetadata(object map[string]any) (Metadata, error) {
	object = maps.Clone(object)
	maps.DeleteFunc(object, func(_ string, v any) bool { return v == nil })
	if object == nil {
		return EmptyMetadata, nil
	}
	text, err := appendCanonical(nil, object, 1)
	if err != nil {
		return "", Invalid(err.Error(), "metadata")
	}
	if len(text) > MaxMetadataBytes {
		return "", Invalid(fmt.Sprintf("metadata is %d bytes as JSON; the most is %d", len(text), MaxMetadataBytes), "metadata")
	}
	return Metadata(text), nil
}

// Merge sets the keys of patch and removes those that it gives as null.
func (m Metadata) Merge(patch map[string]any) (Metadata, error) {
	object, err := m.Object()
	if err != nil {
		return "", err
	}
	maps.Copy(object, patch)
	return NewMetadata(object)
}

// Object decodes the text, numbers as json.Number.
func (m Metadata) Object() (map[string]any, error) {
	object := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(string(m)))
	dec.UseNumber()
	if err := dec.Decode(&object); err != nil {
		return nil, fmt.Errorf("stored metadata: %w", err)
	}
	return object, nil
}

// MarshalGQL writes the text as it is stored.
func (m Metadata) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, string(m)) }

// UnmarshalGQL is never reached: metadata is given as JSONObject. It makes Metadata an output
// of that scalar.
func (m *Metadata) UnmarshalGQL(any) error {
	return fmt.Errorf("metadata is given as a JSON object")
}

// A JSONObject is metadata as a client gives it, not yet checked against the limits.
type JSONObject map[string]any

// MarshalGQL writes the object.
func (o JSONObject) MarshalGQL(w io.Writer) { _ = json.NewEncoder(w).Encode(map[string]any(o)) }

// UnmarshalGQL takes an object and nothing else: no array, no scalar.
func (o *JSONObject) UnmarshalGQL(v any) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("JSONObject must be a JSON object")
	}
	*o = object
	return nil
}

func appendCanonical(b []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case map[string]any:
		if depth > MaxMetadataDepth {
			return nil, fmt.Errorf("metadata is nested deeper than %d levels", MaxMetadataDepth)
		}
		return appendObject(b, v, depth)
	case []any:
		if depth > MaxMetadataDepth {
			return nil, fmt.Errorf("metadata is nested deeper than %d levels", MaxMetadataDepth)
		}
		return appendArray(b, v, depth)
	case string:
		return appendText(b, v)
	case json.Number:
		return appendNumber(b, v.String())
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case float64:
		text, err := json.Marshal(v)
		return append(b, text...), err
	case bool:
		return strconv.AppendBool(b, v), nil
	case nil:
		return append(b, "null"...), nil
	default:
		return nil, fmt.Errorf("metadata holds a value that is not JSON")
	}
}

func appendObject(b []byte, object map[string]any, depth int) ([]byte, error) {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, key); err != nil {
			return nil, err
		}
		if b, err = appendCanonical(append(b, ':'), object[key], depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendArray(b []byte, list []any, depth int) ([]byte, error) {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendCanonical(b, v, depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendText(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("metadata holds text that is not UTF-8")
	}
	if strings.ContainsRune(s, 0) {
		return nil, fmt.Errorf("metadata holds a NUL character")
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...), nil
}

// appendNumber keeps a number's own spelling. One that a double cannot hold, or would turn
// into 0, is refused: the databases would compare it differently.
func appendNumber(b []byte, text string) ([]byte, error) {
	if !comparable64(text) {
		return nil, fmt.Errorf("metadata holds a number outside the range of a double")
	}
	return append(b, text...), nil
}

// maxNumber bounds a number's spelling and its exponent: PostgreSQL cannot read more than 16383 places
// behind the point, be they zeros, and would refuse every list whose filter meets such a session.
const maxNumber = 1000

// comparable64 tells a number that every database can compare.
func comparable64(text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	e, errExponent := strconv.Atoi(cmp.Or(exponent, "0"))
	isZero := strings.Trim(mantissa, "-0.") == ""
	return err == nil && errExponent == nil && len(text) <= maxNumber && max(e, -e) <= maxNumber && !math.IsInf(f, 0) && (f != 0 || isZero)
}
