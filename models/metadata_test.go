package models_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/models"
)

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ given, want string }{
		"Empty":                   {`{}`, `{}`},
		"KeysAreSorted":           {`{"b":1,"a":2,"é":3,"Z":4}`, `{"Z":4,"a":2,"b":1,"é":3}`},
		"NumbersStayAsGiven":      {`{"a":1.50,"b":1E2,"c":-0,"d":0.0,"e":12345678901234567890}`, `{"a":1.50,"b":1E2,"c":-0,"d":0.0,"e":12345678901234567890}`},
		"NullAtTheTopIsAbsent":    {`{"a":null,"b":{"c":null}}`, `{"b":{"c":null}}`},
		"NothingIsEscapedForHTML": {`{"a":"<b>&\u2028"}`, `{"a":"<b>&\u2028"}`},
		"TextIsText":              {`{"a":"\"\\\n\t\u0001😀"}`, `{"a":"\"\\\n\t\u0001😀"}`},
		"DeepEnough":              {`{"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":1}}}}}}}}`, `{"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":1}}}}}}}}`},
		"ListsKeepTheirOrder":     {`{"a":[3,"x",null,true,{"d":1,"c":2}]}`, `{"a":[3,"x",null,true,{"c":2,"d":1}]}`},
	} {
		got, err := models.NewMetadata(decode(t, c.given))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
	for name, given := range map[string]map[string]any{
		"TooBig":         {"a": strings.Repeat("x", models.MaxMetadataBytes)},
		"TooDeep":        decode(t, `{"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":{}}}}}}}}}`),
		"TooDeepByLists": decode(t, `{"1":[[[[[[[[1]]]]]]]]}`),
		"NUL":            {"a": "x\x00"},
		"NULInAKey":      {"x\x00": 1},
		"NotUTF8":        {"a": "\xff"},
		"Infinite":       {"a": json.Number("1e400")},
		"NearlyZero":     {"a": json.Number("1e-400")},
		// PostgreSQL would refuse every list whose filter meets it.
		"ZeroInTooManyPlaces": {"a": json.Number("0e-20000")},
		"ZeroBeyondMeasure":   {"a": json.Number("0e99999999999")},
		"TooManyDigits":       {"a": json.Number("1." + strings.Repeat("1", 1000))},
		"NotJSON":             {"a": make(chan int)},
	} {
		if got, err := models.NewMetadata(given); models.KindOf(err) != models.KindInvalidInput {
			t.Errorf("%s: %.40s, %v", name, got, err)
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	got, err := models.Metadata(`{"a":1,"b":{"x":1,"y":2},"c":"z"}`).Merge(decode(t, `{"a":2,"b":{"x":3},"c":null,"d":null,"e":[]}`))
	if want := models.Metadata(`{"a":2,"b":{"x":3},"e":[]}`); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if _, err := models.Metadata(`{"a":1}`).Merge(map[string]any{"b": strings.Repeat("x", models.MaxMetadataBytes)}); models.KindOf(err) != models.KindInvalidInput {
		t.Errorf("a merge beyond the limit: %v", err)
	}
}

// FuzzMetadata: what is accepted is canonical, within the limits, and says what was given.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1.0}`, `{"a":"\ud83d\ude00","b":[1,{"c":null}]}`, `{"a":-0e-0}`, `{"\u0000":1}`, `{"a":1e999}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		var object map[string]any
		if dec.Decode(&object) != nil {
			return
		}
		first, err := models.NewMetadata(object)
		if err != nil {
			if models.KindOf(err) != models.KindInvalidInput {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if len(first) > models.MaxMetadataBytes || strings.Contains(string(first), `\u0000`) && !strings.Contains(string(first), `\\u0000`) {
			t.Fatalf("%q was accepted as %q", text, first)
		}
		back, err := first.Object()
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range object {
			if value == nil {
				delete(object, key)
			}
		}
		if len(object) > 0 || len(back) > 0 {
			if diff := cmp.Diff(object, back); diff != "" {
				t.Fatal(diff)
			}
		}
		if again, err := models.NewMetadata(back); err != nil || again != first {
			t.Fatalf("%q is not canonical: %q, %v", first, again, err)
		}
	})
}
