package main

import (
	"context"
	"sync"
	"time"

	"gorm.io/gorm"

	"greenroom/bench/naive/generated"
	"greenroom/bench/peer"
	"greenroom/daily"
	"greenroom/models"
)

// A resolver is all of them.
type resolver struct {
	options *peer.Options
	db      *gorm.DB
	rooms   *daily.Client

	mu sync.Mutex
	// watchers are told of a session that has changed, by its id.
	watchers map[string]map[chan *models.Session]bool
}

type (
	query        struct{ *resolver }
	mutation     struct{ *resolver }
	subscription struct{ *resolver }
	session      struct{ *resolver }
)

func (r *resolver) Query() generated.QueryResolver               { return query{r} }
func (r *resolver) Mutation() generated.MutationResolver         { return mutation{r} }
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscription{r} }
func (r *resolver) Session() generated.SessionResolver           { return session{r} }

// find reads one session; as in the guides, nothing calls a statement off.
func (r *resolver) find(id string) (*models.Session, error) {
	var row models.Session
	err := r.db.First(&row, "account_id = ? AND id = ?", r.options.Account, id).Error
	if err != nil {
		return nil, err
	}
	row.Settle(peer.Now())
	return &row, nil
}

// Session reads one session.
func (q query) Session(_ context.Context, id string) (*models.Session, error) {
	return q.find(id)
}

// Sessions reads the newest.
func (q query) Sessions(_ context.Context, first *int) (*generated.SessionConnection, error) {
	limit := 20
	if first != nil {
		limit = *first
	}
	var rows []*models.Session
	err := q.db.Where("account_id = ?", q.options.Account).Order("id DESC").Limit(limit).Find(&rows).Error
	now := peer.Now()
	for _, row := range rows {
		row.Settle(now)
	}
	return &generated.SessionConnection{Nodes: rows}, err
}

// Avatar is the N+1 of the guides.
func (s session) Avatar(_ context.Context, of *models.Session) (*models.Avatar, error) {
	var avatar models.Avatar
	err := s.db.First(&avatar, "account_id = ? AND id = ?", of.AccountID, of.AvatarID).Error
	return &avatar, err
}

// DailyRoom needs no statement: it is columns of the session.
func (s session) DailyRoom(_ context.Context, of *models.Session) (*models.DailyRoom, error) {
	return s.options.Room(of, peer.Now()), nil
}

// CreateSession makes the room first, so that it needs a single transaction, where Greenroom,
// which must not lose a room when it dies in between, has two.
func (m mutation) CreateSession(ctx context.Context, input generated.CreateSessionInput) (*generated.CreateSessionPayload, error) {
	row := peer.NewSession(m.options.Account, input.AvatarID, peer.Now())
	metadata, err := models.NewMetadata(input.Metadata)
	if err != nil {
		return nil, err
	}
	row.Metadata, row.EndUserID = metadata, input.EndUserID
	room, err := m.rooms.CreateRoom(ctx, daily.RoomSpec{Name: row.Room.Name, Exp: row.Room.Exp})
	if err != nil {
		return nil, err
	}
	row.Room.URL, row.Room.State = room.URL, models.RoomReady
	err = m.db.Transaction(func(tx *gorm.DB) error { return tx.Create(row).Error })
	return &generated.CreateSessionPayload{Session: row, UserErrors: []*generated.UserError{}}, err
}

// StartSession has no avatar server to wait for.
func (m mutation) StartSession(_ context.Context, input generated.StartSessionInput) (*generated.StartSessionPayload, error) {
	row, err := m.change(input.ID, map[string]any{
		"started_at": peer.Now(), "avatar_state": models.AvatarReady, "deadline": nil, "deadline_reason": nil,
	})
	return &generated.StartSessionPayload{Session: row, UserErrors: []*generated.UserError{}}, err
}

// EndSession deletes the room in the background, as Greenroom does.
func (m mutation) EndSession(_ context.Context, input generated.EndSessionInput) (*generated.EndSessionPayload, error) {
	row, err := m.change(input.ID, map[string]any{
		"ended_at": peer.Now(), "end_reason": models.EndClient, "avatar_state": models.AvatarGone, "room_state": models.RoomDeleting,
	})
	if err == nil {
		go m.deleteRoom(row.Room.Name) //nolint:gosec // G118: it outlives the request on purpose
	}
	return &generated.EndSessionPayload{Session: row, UserErrors: []*generated.UserError{}}, err
}

func (m mutation) deleteRoom(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = m.rooms.DeleteRoom(ctx, name) // nobody is left to tell
}

// UpdateSessionMetadata merges.
func (m mutation) UpdateSessionMetadata(_ context.Context, input generated.UpdateSessionMetadataInput) (*generated.UpdateSessionMetadataPayload, error) {
	row, err := m.find(input.ID)
	if err != nil {
		return nil, err
	}
	metadata, err := row.Metadata.Merge(input.Metadata)
	if err != nil {
		return nil, err
	}
	row, err = m.change(input.ID, map[string]any{"metadata": metadata})
	return &generated.UpdateSessionMetadataPayload{Session: row, UserErrors: []*generated.UserError{}}, err
}

// change writes columns of a session, and tells whoever watches it.
func (m mutation) change(id string, columns map[string]any) (*models.Session, error) {
	columns["revision"], columns["version"] = gorm.Expr("revision + 1"), gorm.Expr("version + 1")
	err := m.db.Transaction(func(tx *gorm.DB) error {
		return tx.Model(&models.Session{}).Where("account_id = ? AND id = ?", m.options.Account, id).Updates(columns).Error
	})
	if err != nil {
		return nil, err
	}
	row, err := m.find(id)
	if err == nil {
		m.tell(row)
	}
	return row, err
}

// tell gives everybody who watches the session what it is now. Whoever has not read what came
// before gets it in its place.
func (r *resolver) tell(row *models.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for watcher := range r.watchers[row.ID] {
		select {
		case <-watcher:
		default:
		}
		watcher <- row
	}
}

// SessionUpdated tells the present and every change: a channel for each subscriber, as in the
// guide to subscriptions.
func (s subscription) SessionUpdated(ctx context.Context, id string) (<-chan *models.Session, error) {
	row, err := s.find(id)
	if err != nil {
		return nil, err
	}
	told := make(chan *models.Session, 1)
	told <- row
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers[id] == nil {
		s.watchers[id] = map[chan *models.Session]bool{}
	}
	s.watchers[id][told] = true
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers[id], told)
		close(told)
	})
	return told, nil
}
