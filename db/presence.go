package db

import (
	"context"
	"fmt"
	"strconv"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"greenroom/models"
)

// A Participant is one stay of a person in a session's room, from joining to leaving.
type Participant struct {
	AccountID string `gorm:"primaryKey"`
	SessionID string `gorm:"primaryKey"`
	// ID is Daily's own: coming back makes another one.
	ID       string `gorm:"primaryKey"`
	JoinedAt models.Time
	// LeftAt is nil while they are in the room.
	LeftAt *models.Time
}

// Participants are all stays in a session's room so far, in no order. Whoever wants to change one
// holds the session.
func (t *Tx) Participants(of *models.Session) ([]*Participant, error) {
	stays, err := gorm.G[*Participant](t.db, ofAccount(of.AccountID).and("session_id = ?", of.ID).where()...).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("participants of session %s: %w", of.ID, translate(err))
	}
	return stays, nil
}

// PutParticipant adds a stay, or writes when it ended.
func (t *Tx) PutParticipant(p *Participant) error {
	left := clause.OnConflict{
		Columns:   []clause.Column{{Name: "account_id"}, {Name: "session_id"}, {Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"left_at"}),
	}
	if err := gorm.G[Participant](t.db, left).Create(t.ctx, p); err != nil {
		return fmt.Errorf("write participant: %w", translate(err))
	}
	return nil
}

// ParticipantsOfSessions are the stays in the rooms of many sessions, of whichever accounts, by
// session.
func (s *Store) ParticipantsOfSessions(ctx context.Context, sessions []*models.Session) (map[string][]*Participant, error) {
	accounts, ids := make([]string, len(sessions)), make([]string, len(sessions))
	for i, row := range sessions {
		accounts[i], ids[i] = row.AccountID, row.ID
	}
	// The accounts are there for the index.
	stays, err := gorm.G[*Participant](s.reader).
		Where("account_id IN ? AND session_id IN ?", accounts, ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("participants: %w", translate(err))
	}
	bySession := map[string][]*Participant{}
	for _, p := range stays {
		bySession[p.SessionID] = append(bySession[p.SessionID], p)
	}
	return bySession, nil
}

// EmptyRooms are live sessions for whose rooms it is time to ask Daily whether they are empty
// still, longest waiting first; as stored. What is to be asked only after far was put off under a
// clock that has been set back since, and it is time for that too. Rows that another replica is
// claiming at this moment are passed over.
func (t *Tx) EmptyRooms(now, far models.Time, limit int) ([]*models.Session, error) {
	due := conditions{}.live(now).
		and("room_check_due IS NOT NULL"). // said by itself, an index can serve it
		and("(room_check_due <= ? OR room_check_due > ?)", now, far).where(t.dialect.claim()...)
	rows, err := gorm.G[*models.Session](t.db, due...).Order("room_check_due").Limit(limit).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("empty rooms: %w", translate(err))
	}
	t.changes.found(rows...)
	return rows, nil
}

// RoomsInHand tells which of the rooms belong to a session that is not ended, or whose deletion
// is still to come.
func (s *Store) RoomsInHand(ctx context.Context, names []string) (map[string]bool, error) {
	rows, err := gorm.G[*models.Session](s.reader).Select("room_name").
		Where("room_name IN ? AND (ended_at IS NULL OR room_state <> ?)", names, models.RoomGone).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("rooms in hand: %w", translate(err))
	}
	inHand := make(map[string]bool, len(rows))
	for _, row := range rows {
		inHand[row.Room.Name] = true
	}
	return inHand, nil
}

// AnyRoomDue tells whether a room in one of the states wants attention by then.
func (s *Store) AnyRoomDue(ctx context.Context, states []models.RoomState, by models.Time) (bool, error) {
	rows, err := gorm.G[*models.Session](s.reader).Select("id").
		Where("room_due <= ? AND room_state IN ?", by, states).Limit(1).Find(ctx)
	if err != nil {
		return false, fmt.Errorf("due rooms: %w", translate(err))
	}
	return len(rows) > 0, nil
}

// TakeTurn takes the right to do what name stands for, which comes round once in a while: of all
// replicas one has it, until then. A turn that lies further ahead than one round was taken under
// a clock that has been set back since, and is nobody's.
func (t *Tx) TakeTurn(name Setting, now, until models.Time) (bool, error) {
	const take = "INSERT INTO settings (name, value) VALUES (?, ?)" +
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value" +
		" WHERE CAST(settings.value AS BIGINT) <= ? OR CAST(settings.value AS BIGINT) > ?"
	done := t.db.WithContext(t.ctx).Exec(take, string(name), strconv.FormatInt(int64(until), 10), int64(now), int64(until))
	if done.Error != nil {
		return false, fmt.Errorf("take a turn at %s: %w", name, translate(done.Error))
	}
	return done.RowsAffected == 1, nil
}
