package scalar_test

import (
	"encoding/json"
	"errors"
	"testing"

	"greenroom/graph/scalar"
	"greenroom/models"
)

// read gives what a value is read as, or nil when it is refused by a CoercionError.
func read[T any](t *testing.T, unmarshal func(any) (T, error), v any) any {
	t.Helper()
	got, err := unmarshal(v)
	if err == nil {
		return got
	}
	if _, ok := errors.AsType[scalar.CoercionError](err); !ok {
		t.Errorf("%v (%T): error %v is a %T", v, v, err, err)
	}
	return nil
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		got, want any
	}{
		{read(t, scalar.UnmarshalInt, int64(5)), 5},
		{read(t, scalar.UnmarshalInt, json.Number("-2147483648")), -2147483648},
		{read(t, scalar.UnmarshalInt, json.Number("2147483648")), nil},
		{read(t, scalar.UnmarshalInt, int64(-2147483649)), nil},
		{read(t, scalar.UnmarshalInt, json.Number("1.0")), nil},
		{read(t, scalar.UnmarshalInt, "5"), nil},
		{read(t, scalar.UnmarshalInt, 5.0), nil},
		{read(t, scalar.UnmarshalInt, nil), nil},
		{read(t, scalar.UnmarshalString, "x"), "x"},
		{read(t, scalar.UnmarshalString, json.Number("5")), nil},
		{read(t, scalar.UnmarshalString, true), nil},
		{read(t, scalar.UnmarshalID, "x"), "x"},
		{read(t, scalar.UnmarshalID, int64(5)), "5"},
		{read(t, scalar.UnmarshalID, json.Number("5")), "5"},
		{read(t, scalar.UnmarshalID, json.Number("5.5")), nil},
		{read(t, scalar.UnmarshalID, true), nil},
		{read(t, scalar.UnmarshalDateTime, "1970-01-01T01:00:00.001+01:00"), models.Time(1)},
		{read(t, scalar.UnmarshalDateTime, "1969-12-31T23:59:59Z"), nil},
		{read(t, scalar.UnmarshalDateTime, json.Number("5")), nil},
		{read(t, scalar.UnmarshalJSONObject, []any{}), nil},
		{read(t, scalar.UnmarshalJSONObject, "{}"), nil},
	} {
		if c.got != c.want {
			t.Errorf("got %v (%T), want %v", c.got, c.got, c.want)
		}
	}
	object, err := scalar.UnmarshalJSONObject(map[string]any{"a": nil})
	if _, ok := object["a"]; err != nil || !ok {
		t.Errorf("got %v, %v", object, err)
	}
}
