package session

import (
	"context"
	"time"

	"greenroom/auth"
	"greenroom/events"
	"greenroom/models"
)

const (
	// gatherChanges is how long changes of a list are gathered into one message.
	gatherChanges = 100 * time.Millisecond
	// changesAtOnce is how many sessions one message tells of; the rest follows in the next.
	changesAtOnce = models.MaxPageSize
)

// Changes keeps a list of the caller's account true: a reset first, then what came in, changed
// and left. The channel closes when ctx ends. API key only.
func (s *Service) Changes(ctx context.Context, filter models.SessionFilter) (<-chan *models.SessionChanges, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if err := filter.Check(); err != nil {
		return nil, err
	}
	out := make(chan *models.SessionChanges)
	feed := s.Hub.Feed(caller.AccountID)
	go s.tellChanges(ctx, feed, filter, out)
	return out, nil
}

func (s *Service) tellChanges(ctx context.Context, feed *events.Feed, filter models.SessionFilter, out chan<- *models.SessionChanges) {
	defer close(out)
	defer feed.Close()
	message := &models.SessionChanges{Reset: true}
	for {
		if message != nil {
			select {
			case out <- message:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-feed.News():
		case <-ctx.Done():
			return
		}
		gathered := time.NewTimer(gatherChanges)
		select {
		case <-gathered.C:
		case <-ctx.Done():
			gathered.Stop()
			return
		}
		message = s.gather(feed, &filter)
	}
}

// gather makes a message of what a feed has; nil when none of it is in the list.
func (s *Service) gather(feed *events.Feed, filter *models.SessionFilter) *models.SessionChanges {
	changes, reset := feed.Take(changesAtOnce)
	message := &models.SessionChanges{Reset: reset}
	now := s.Clock()
	for _, c := range changes {
		if isDue(c.After, now) {
			// Its end is about to be told, and is the next thing to tell of it.
			feed.PutBack(c)
			continue
		}
		had, has := c.Before != nil && filter.Matches(c.Before), filter.Matches(c.After)
		switch {
		case has && !had:
			message.Entered = append(message.Entered, models.SessionEdge{Node: c.After})
		case had && !has:
			message.LeftIDs = append(message.LeftIDs, c.After.ID)
		case !had:
			continue
		}
		message.Changed = append(message.Changed, c.After)
	}
	if !message.Reset && len(message.Changed) == 0 {
		return nil
	}
	return message
}

// isDue tells whether a session's deadline has passed without its end having been written.
func isDue(row *models.Session, now models.Time) bool {
	return row.EndedAt == nil && row.Deadline != nil && *row.Deadline <= now
}
