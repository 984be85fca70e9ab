package db

import (
	"net/url"
	"time"
)

// With gives the options with another parameter of SQLite's DSN.
func (o Options) With(name, value string) Options {
	more := url.Values{name: {value}}
	for k, v := range o.parameters {
		if _, set := more[k]; !set {
			more[k] = v
		}
	}
	o.parameters = more
	return o
}

// ReadingWithin gives the options with another bound of one read.
func (o Options) ReadingWithin(d time.Duration) Options {
	o.readWithin = d
	return o
}

// Exec runs a statement that only a test would.
func (t *Tx) Exec(statement string) error { return t.db.Exec(statement).Error }

// Tries bounds how often PostgreSQL may have a transaction run again.
const Tries = pgTries

// ApplicationID marks SQLite files that are ours.
const ApplicationID = applicationID

// Report is the statement of UsageReport.
const Report = report
