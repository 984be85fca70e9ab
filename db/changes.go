package db

import "greenroom/models"

// changes are what one transaction does that others want to hear of once it is committed. The
// store gathers them itself, so that no write can be forgotten.
type changes struct {
	// read are the sessions as this transaction has found them.
	read map[string]models.Session
	made []*models.Change
}

// found remembers rows as they were before anybody changed them.
func (c *changes) found(rows ...*models.Session) {
	if c.read == nil {
		c.read = make(map[string]models.Session, len(rows))
	}
	for _, row := range rows {
		c.read[row.ID] = *row
	}
}

// before is a row as this transaction has found it, nil when it has not, or not in that version.
func (c *changes) before(row *models.Session) *models.Session {
	if before, ok := c.read[row.ID]; ok && before.Version == row.Version {
		return &before
	}
	return nil
}

// inserted notes a new session.
func (c *changes) inserted(row *models.Session) {
	after := *row
	c.made = append(c.made, &models.Change{AccountID: row.AccountID, After: &after})
}

// swapped notes a session's new state. One that was read elsewhere has no known state before.
func (c *changes) swapped(row *models.Session) {
	after := *row
	change := &models.Change{AccountID: row.AccountID, After: &after, Missed: true}
	if before, ok := c.read[row.ID]; ok {
		change.Before, change.Missed = &before, false
	}
	c.found(row)
	if change.IsVisible() {
		c.made = append(c.made, change)
	}
}

// account notes that something of an account other than a session has changed.
func (c *changes) account(id string) {
	c.made = append(c.made, &models.Change{AccountID: id})
}

func tell(made []*models.Change, committed func(*models.Change)) {
	for _, c := range made {
		committed(c)
	}
}

// missed are the same changes as nobody knows whether they have happened: whoever watches is to
// look at the database.
func missed(made []*models.Change) []*models.Change {
	doubtful := make([]*models.Change, len(made))
	for i, c := range made {
		doubtful[i] = &models.Change{AccountID: c.AccountID, After: c.After, Missed: true}
	}
	return doubtful
}
