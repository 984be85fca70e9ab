package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Plan is an account's limits; nil is unlimited. Fields, names and units are those of the
// GraphQL type Plan.
type Plan struct {
	// Name is for people; "" takes the key.
	Name                  string `json:"name,omitempty"`
	MaxConcurrentSessions *int   `json:"maxConcurrentSessions,omitempty"`
	// MaxSessionDuration is in seconds.
	MaxSessionDuration *int `json:"maxSessionDuration,omitempty"`
	// IncludedMinutes is per calendar month (UTC).
	IncludedMinutes *int `json:"includedMinutes,omitempty"`
}

// Plans are the plans by key.
type Plans map[string]Plan

// DevPlan is the plan of the account that --dev makes.
const DevPlan = "pro"

// DefaultPlans are the plans of an installation that configures none.
func DefaultPlans() Plans {
	return Plans{
		"free":      {Name: "Free", MaxConcurrentSessions: new(1), MaxSessionDuration: new(10 * 60), IncludedMinutes: new(60)},
		"growth":    {Name: "Growth", MaxConcurrentSessions: new(10), MaxSessionDuration: new(3 * 3600)},
		"pro":       {Name: "Pro", MaxConcurrentSessions: new(20), MaxSessionDuration: new(4 * 3600)},
		"unlimited": {Name: "Unlimited"},
	}
}

// UnmarshalText reads a JSON object of plans by key. It replaces what was there: a plan that
// is left out is no plan any more.
func (p *Plans) UnmarshalText(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var plans map[string]Plan
	if err := decoder.Decode(&plans); err != nil {
		return fmt.Errorf("want a JSON object of plans: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("want one JSON object of plans and nothing behind it")
	}
	for key, plan := range plans {
		if plan.Name == "" {
			plan.Name = key
			plans[key] = plan
		}
	}
	*p = plans
	return nil
}

func (p Plans) String() string { return strings.Join(slices.Sorted(maps.Keys(p)), ", ") }

// planKey is what an account's plan column and a command line can hold without quoting.
var planKey = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// maxLimit keeps every limit, in seconds too, within GraphQL's Int.
const maxLimit = 1<<31 - 1

func (p Plans) validate(report *problems) {
	if len(p) == 0 {
		report.add("--plans names no plan: set at least one, or leave it out")
	}
	for _, key := range slices.Sorted(maps.Keys(p)) {
		if !planKey.MatchString(key) {
			report.add("plan %q: a key is a lower-case letter, then up to 31 of a-z, 0-9, _ and -", key)
		}
		for name, limit := range p[key].limits() {
			most := maxLimit
			if name == "includedMinutes" {
				most /= 60
			}
			if limit != nil && (*limit < 1 || *limit > most) {
				report.add("plan %q: %s is %d: set 1 or more, at most %d, or leave it out for unlimited", key, name, *limit, most)
			}
		}
	}
}

func (p Plan) limits() func(yield func(string, *int) bool) {
	return func(yield func(string, *int) bool) {
		_ = yield("maxConcurrentSessions", p.MaxConcurrentSessions) &&
			yield("maxSessionDuration", p.MaxSessionDuration) &&
			yield("includedMinutes", p.IncludedMinutes)
	}
}
