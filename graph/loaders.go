package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/vikstrous/dataloadgen"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
)

// Store is what loaders read from. No other file of this package knows the database.
type Store = db.Store

// gather is how long a loader waits for others that ask for the same kind of row.
const gather = time.Millisecond

// A response is what one answer keeps while it is made.
type response struct {
	cfg *Config

	mu      sync.Mutex
	loaders *loaders // nil until a field asks for them
	// logged are the internal errors that are in the log already.
	logged map[string]bool
}

type responseKey struct{}

func (c *Config) withResponse(ctx context.Context) context.Context {
	return context.WithValue(ctx, responseKey{}, &response{cfg: c})
}

func responseOf(ctx context.Context) *response {
	r, _ := ctx.Value(responseKey{}).(*response)
	return r
}

func loadersOf(ctx context.Context) *loaders {
	r := responseOf(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loaders == nil {
		r.loaders = newLoaders(r.cfg)
	}
	return r.loaders
}

// forget drops what has been read. Mutations run one after another, each with its payload, so
// nobody is reading meanwhile.
func (r *response) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaders = nil
}

// loaders read many rows with one statement, however many fields ask for them one by one. Rows
// are read in the caller's scope.
type loaders struct {
	store   *Store
	clock   models.Clock
	avatars *dataloadgen.Loader[string, *models.Avatar]
	events  *dataloadgen.Loader[timeline, []*models.SessionEvent]

	mu sync.Mutex
	// pages and counts have a loader for each list of an avatar's sessions that is asked for.
	pages  map[string]*dataloadgen.Loader[string, *models.SessionConnection]
	counts map[string]*dataloadgen.Loader[string, int]
	// deliveries have a loader for each list of an endpoint's deliveries that is asked for.
	deliveries map[models.Page]*dataloadgen.Loader[string, *models.WebhookDeliveryConnection]
	delivered  *dataloadgen.Loader[string, int]
}

// A timeline is the newest last events of a session, all when last is 0.
type timeline struct {
	sessionID string
	last      int
}

func newLoaders(c *Config) *loaders {
	l := &loaders{
		store: c.Store, clock: c.Clock,
		pages:  map[string]*dataloadgen.Loader[string, *models.SessionConnection]{},
		counts: map[string]*dataloadgen.Loader[string, int]{},

		deliveries: map[models.Page]*dataloadgen.Loader[string, *models.WebhookDeliveryConnection]{},
	}
	l.delivered = batched(l.readDeliveryCounts)
	l.avatars = batched(l.readAvatars)
	l.events = batched(l.readEvents)
	return l
}

func batched[K comparable, V any](read func(context.Context, []K) (map[K]V, error)) *dataloadgen.Loader[K, V] {
	return dataloadgen.NewMappedLoader(read, dataloadgen.WithWait(gather))
}

func (l *loaders) avatar(ctx context.Context, id string) (*models.Avatar, error) {
	found, err := l.avatars.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("avatar %s: %w", id, err)
	}
	return found, nil
}

func (l *loaders) readAvatars(ctx context.Context, ids []string) (map[string]*models.Avatar, error) {
	rows, err := l.store.AvatarsByID(ctx, auth.From(ctx).Scope(), ids)
	byID := make(map[string]*models.Avatar, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	return byID, err
}

func (l *loaders) sessionEvents(ctx context.Context, sessionID string, last *int) ([]*models.SessionEvent, error) {
	key := timeline{sessionID: sessionID}
	if last != nil {
		key.last = *last
	}
	return l.events.Load(ctx, key)
}

// readEvents needs one statement for each length asked for: one, but for aliases.
func (l *loaders) readEvents(ctx context.Context, keys []timeline) (map[timeline][]*models.SessionEvent, error) {
	sessions := map[int][]string{}
	for _, key := range keys {
		sessions[key.last] = append(sessions[key.last], key.sessionID)
	}
	read := make(map[timeline][]*models.SessionEvent, len(keys))
	for last, ids := range sessions {
		limit := &last
		if last == 0 {
			limit = nil
		}
		bySession, err := l.store.SessionEvents(ctx, auth.From(ctx).Scope(), ids, limit)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			read[timeline{id, last}] = bySession[id]
		}
	}
	return read, nil
}

// avatarSessions reads a page of one avatar's sessions, together with the same page of others.
func (l *loaders) avatarSessions(ctx context.Context, avatarID string, q models.SessionQuery) (*models.SessionConnection, error) {
	loader, err := loaderFor(l, l.pages, q, func(ctx context.Context, ids []string) (map[string]*models.SessionConnection, error) {
		pages, err := l.store.SessionsByAvatar(ctx, ids, q, l.clock.Now(ctx))
		for id, page := range pages {
			page.Query.Filter.AvatarID = []string{id}
		}
		return pages, err
	})
	if err != nil {
		return nil, err
	}
	return loader.Load(ctx, avatarID)
}

// countSessions counts a whole list. Lists of one avatar each are counted together.
func (l *loaders) countSessions(ctx context.Context, q models.SessionQuery) (int, error) {
	wanted := q.Filter.AvatarID
	if len(wanted) != 1 {
		return l.store.CountSessions(ctx, q, l.clock.Now(ctx))
	}
	q.Filter.AvatarID, q.Page = nil, models.Page{}
	loader, err := loaderFor(l, l.counts, q, func(ctx context.Context, ids []string) (map[string]int, error) {
		counts, err := l.store.CountSessionsByAvatar(ctx, ids, q, l.clock.Now(ctx))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			counts[id] += 0 // an avatar without sessions is counted too
		}
		return counts, nil
	})
	if err != nil {
		return 0, err
	}
	return loader.Load(ctx, wanted[0])
}

func (l *loaders) countAvatars(ctx context.Context, q models.AvatarQuery) (int, error) {
	return l.store.CountAvatars(ctx, q)
}

func (l *loaders) countAPIKeys(ctx context.Context, q models.APIKeyQuery) (int, error) {
	return l.store.CountAPIKeys(ctx, q.AccountID)
}

// webhookDeliveries reads a page of one endpoint's deliveries, together with the same page of
// others.
func (l *loaders) webhookDeliveries(ctx context.Context, q models.WebhookDeliveryQuery) (*models.WebhookDeliveryConnection, error) {
	l.mu.Lock()
	loader, ok := l.deliveries[q.Page]
	if !ok {
		loader = batched(func(ctx context.Context, ids []string) (map[string]*models.WebhookDeliveryConnection, error) {
			return l.store.WebhookDeliveries(ctx, ids, q)
		})
		l.deliveries[q.Page] = loader
	}
	l.mu.Unlock()
	return loader.Load(ctx, q.EndpointID)
}

func (l *loaders) countWebhookDeliveries(ctx context.Context, q models.WebhookDeliveryQuery) (int, error) {
	return l.delivered.Load(ctx, q.EndpointID)
}

func (l *loaders) readDeliveryCounts(ctx context.Context, ids []string) (map[string]int, error) {
	counts, err := l.store.CountWebhookDeliveries(ctx, auth.From(ctx).AccountID, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		counts[id] += 0 // an endpoint without deliveries is counted too
	}
	return counts, nil
}

func (l *loaders) countWebhookEndpoints(ctx context.Context, q models.WebhookEndpointQuery) (int, error) {
	return l.store.CountWebhookEndpoints(ctx, q.AccountID)
}

// loaderFor finds the loader of one list of sessions, or makes it.
func loaderFor[V any](l *loaders, known map[string]*dataloadgen.Loader[string, V], q models.SessionQuery, read func(context.Context, []string) (map[string]V, error)) (*dataloadgen.Loader[string, V], error) {
	text, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("tell lists apart: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	loader, ok := known[string(text)]
	if !ok {
		loader = batched(read)
		known[string(text)] = loader
	}
	return loader, nil
}
