// Package models holds the nouns and the events: structs and constants without I/O, the same in
// SQL, Go and GraphQL.
package models

import "time"

// An Account owns sessions, avatars and keys. PlanKey names its limits in the configuration.
type Account struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	PlanKey   string `gorm:"column:plan"`
	CreatedAt Time   `gorm:"autoCreateTime:false"`
}

// IsNode marks what `node` can fetch.
func (*Account) IsNode() {}

// A Plan is an account's limits; nil is unlimited. Plans are configuration, never stored.
type Plan struct {
	Key                   string
	Name                  string
	MaxConcurrentSessions *int
	// MaxSessionDuration is in seconds.
	MaxSessionDuration *int
	// IncludedMinutes is per calendar month (UTC).
	IncludedMinutes *int
}

// Plans are the configured plans by key.
type Plans map[string]Plan

// Of is the account's plan. With one that the configuration no longer has, an account may use
// nothing until whoever runs this server has named it another; false then.
func (p Plans) Of(a *Account) (Plan, bool) {
	if plan, ok := p[a.PlanKey]; ok {
		return plan, true
	}
	return Plan{
		Key: a.PlanKey, Name: a.PlanKey,
		MaxConcurrentSessions: new(int), MaxSessionDuration: new(int), IncludedMinutes: new(int),
	}, false
}

// Grant is how many seconds a session may run: as asked for, else the plan's limit; nil when
// neither limits it. It refuses what is not 1 to the plan's limit.
func (p Plan) Grant(asked *int) (*int, error) {
	if asked == nil {
		return p.MaxSessionDuration, nil
	}
	if *asked < 1 || (p.MaxSessionDuration != nil && *asked > *p.MaxSessionDuration) {
		return nil, Invalid("maxDuration must be at least 1 second and at most the plan's limit", "maxDuration")
	}
	return asked, nil
}

// Included is the included time of a month; nil when unlimited.
func (p Plan) Included() *time.Duration {
	if p.IncludedMinutes == nil {
		return nil
	}
	d := time.Duration(*p.IncludedMinutes) * time.Minute
	return &d
}

// Concurrency is how many sessions hold a place and how many may. The holders themselves are
// read only when selected.
type Concurrency struct {
	AccountID string
	Current   int
	Max       *int
}

// Available is the places left, never below 0; nil when unlimited.
func (c *Concurrency) Available() *int {
	if c.Max == nil {
		return nil
	}
	left := max(0, *c.Max-c.Current)
	return &left
}
