package models

// A Change is what one committed write did to a session, or to something else of its account.
type Change struct {
	AccountID string
	// Before is the session as it was stored; nil when the write made it, and when Missed.
	Before *Session
	// After is the session as it is stored now; nil when the change is not about a session but
	// about the account itself, such as a key.
	After *Session
	// Missed: whoever made the change did not tell of it, or could not know that it was made.
	// Before is unknown then, and After only a hint: watchers look at the database.
	Missed bool
}

// IsVisible tells whether a client could see the difference: a room's lease is none.
func (c *Change) IsVisible() bool {
	return c.After == nil || c.Before == nil || c.Before.Revision != c.After.Revision
}

// MovesPlaces tells whether the account's places or minutes may be others now.
func (c *Change) MovesPlaces() bool {
	return c.After == nil || c.Before == nil || c.Before.Status() != c.After.Status()
}
