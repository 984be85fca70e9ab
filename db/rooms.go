package db

import (
	"fmt"

	"gorm.io/gorm"

	"greenroom/models"
)

// DueRooms are sessions whose room is in one of the states and wants attention, longest waiting
// first; as stored. Rows that another replica is claiming at this moment are passed over.
func (t *Tx) DueRooms(states []models.RoomState, now models.Time, limit int) ([]*models.Session, error) {
	due := conditions{}.and("room_due <= ? AND room_state IN ?", now, states).where(t.dialect.claim()...)
	rows, err := gorm.G[*models.Session](t.db, due...).Order("room_due").Limit(limit).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("due rooms: %w", translate(err))
	}
	t.changes.found(rows...)
	return rows, nil
}
