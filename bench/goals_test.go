package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// compareQuickly runs the comparison in small and gives the goals that it has written down. It
// fails when a server does not start, or answers otherwise than the others.
func compareQuickly(t *testing.T, node bool) []goal {
	t.Helper()
	results := filepath.Join(t.TempDir(), "results.json")
	b := &goalsBench{
		Only: []string{"starts", "reads", "writes", "feed"}, Quick: true, Node: node, Postgres: true, Results: results, Folder: ".",
	}
	var out bytes.Buffer
	err := b.run(t.Context(), &out, t.Output())
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	var written []goal
	if err := json.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	for _, g := range written {
		if g.Ratio <= 0 || g.Target <= 0 {
			t.Errorf("%s: %v, target %v", g.Goal, g.Ratio, g.Target)
		}
	}
	return written
}

// Whether a goal is met is not looked at: that depends on the machine.
func TestGoalsAreMeasuredOnBothDatabases(t *testing.T) {
	t.Parallel()
	const beforeNode = 10 + 3 // SQLite's and PostgreSQL's
	if got := compareQuickly(t, false); len(got) != beforeNode {
		t.Errorf("%d goals, want %d: %v", len(got), beforeNode, got)
	}
}

func TestAnotherAnswerUnderLoadIsAnError(t *testing.T) {
	t.Parallel()
	read, create := &operation{name: "read"}, &operation{name: "create", makes: true}
	for name, tc := range map[string]struct {
		operation  *operation
		want, got  string
		status     int
		acceptable bool
	}{
		"Same":       {read, `{"a":1}`, `{"a":1}`, 200, true},
		"Other":      {read, `{"a":1}`, `{"a":2}`, 200, false},
		"Refused":    {read, `{"a":1}`, `{"a":1}`, 503, false},
		"NewID":      {create, `{"id":"sess_01K00000000000000000000000"}`, `{"id":"sess_01K00000000000000000000001"}`, 200, true},
		"NewRefusal": {create, `{"id":"sess_01K00000000000000000000000"}`, `{"id":null}`, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &question{answer: []byte(tc.want), quarter: quarter()}
			err := q.check(tc.operation, tc.status, []byte(tc.got))
			if (err == nil) != tc.acceptable {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	t.Parallel()
	// The machine was half as fast in the second round.
	d := &duel{rounds: map[string][]round{
		"a": {{rate: 100, p99: time.Second}, {rate: 50}, {rate: 110}},
		"b": {{rate: 10, p99: 4 * time.Second}, {rate: 5}, {rate: 10}},
	}}
	if got, want := d.of("a", "b", rate), (ratio{median: 10, low: 10, high: 11}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := slices.Max([]float64{median([]float64{3, 1, 2}), median([]float64{1, 2})}); got != 2 {
		t.Errorf("the median of 1, 2 and 3 is %v", got)
	}
}
