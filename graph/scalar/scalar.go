// Package scalar reads and writes the schema's scalars, and the enums that clients give. It
// coerces input as the GraphQL specification has it and never repeats a value in an error.
package scalar

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"greenroom/models"
)

// A CoercionError says that a value is not of the type that the schema asks for.
type CoercionError string

func (e CoercionError) Error() string { return string(e) }

// MarshalInt writes an Int.
func MarshalInt(i int) graphql.Marshaler { return graphql.MarshalInt(i) }

// UnmarshalInt reads an Int: a whole number of at most 32 bits.
func UnmarshalInt(v any) (int, error) {
	var n int64
	switch v := v.(type) {
	case int64:
		n = v
	case json.Number:
		var err error
		if n, err = v.Int64(); err != nil {
			return 0, CoercionError("an Int is a whole number of at most 32 bits")
		}
	default:
		return 0, CoercionError("an Int is a whole number of at most 32 bits")
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		return 0, CoercionError("an Int is a whole number of at most 32 bits")
	}
	return int(n), nil
}

// MarshalString writes a String.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString reads a String, and takes nothing else for one.
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", CoercionError("a String is text in quotation marks")
	}
	return s, nil
}

// MarshalID writes an ID.
func MarshalID(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalID reads an ID: a string or, as the specification allows, a whole number. No id of
// this server is a number, so that one finds nothing.
func UnmarshalID(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return v.String(), nil
		}
	}
	return "", CoercionError("an ID is text in quotation marks")
}

// MarshalDateTime writes a DateTime.
func MarshalDateTime(t models.Time) graphql.Marshaler { return t }

// UnmarshalDateTime reads a DateTime, see [models.Time.UnmarshalGQL].
func UnmarshalDateTime(v any) (models.Time, error) {
	var t models.Time
	if err := t.UnmarshalGQL(v); err != nil {
		return 0, CoercionError(err.Error())
	}
	return t, nil
}

// MarshalJSONObject writes an object.
func MarshalJSONObject(o models.JSONObject) graphql.Marshaler { return o }

// UnmarshalJSONObject reads an object; the limits of metadata are checked by who takes it.
func UnmarshalJSONObject(v any) (models.JSONObject, error) {
	var o models.JSONObject
	if err := o.UnmarshalGQL(v); err != nil {
		return nil, CoercionError(err.Error())
	}
	return o, nil
}
