package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"greenroom/models"
)

const (
	// recheckEvery and recheckWithin are, together, how long a credential that is not valid any
	// more may still be in use: 5 s.
	recheckEvery  = 4 * time.Second
	recheckWithin = time.Second
	// roundEvery is the time between two rounds. What is due in one is looked up together.
	roundEvery = 100 * time.Millisecond
	rounds     = int(recheckEvery / roundEvery)
)

// A keeper looks at the credentials of what stays open again and again: once for each, however
// many hold it, and those of one round together. While nothing is open it does nothing.
type keeper struct {
	// look tells of each secret whether it is valid, as Authenticator.Caller does.
	look func(ctx context.Context, secrets []string) []error

	mu   sync.Mutex
	kept map[[sha256.Size]byte]*credential
	// wheel are the rounds to come, the next at place: one more than a credential may wait for.
	wheel [rounds + 1][]*credential
	place int
	// next is when the next round begins. timer waits for it while there is something to look at, and
	// series counts how often there was nothing.
	next   time.Time
	timer  *time.Timer
	series int
}

// A credential is one that is in use. Guarded by keeper.mu, but for the secret.
type credential struct {
	name   [sha256.Size]byte
	secret string
	// holders end with the credential; a credential without any is on its way out.
	holders map[*holder]struct{}
}

type holder struct{ end context.CancelCauseFunc }

// Keep gives a context that ends within 5 s of the secret's being revoked, rotated or outlived,
// with the cause models.ErrUnauthenticated. The caller has been told whose the secret is, and
// calls release when it is done. A database that does not answer ends nothing.
//
// To keep a key open is to use it: its last use is the last minute in which somebody held it.
func (a *Authenticator) Keep(ctx context.Context, secret string) (kept context.Context, release func()) {
	kept, end := context.WithCancelCause(ctx)
	h, name := &holder{end}, [sha256.Size]byte(Hash(secret))
	k := &a.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.kept[name]
	if c == nil {
		c = &credential{name: name, secret: secret, holders: map[*holder]struct{}{}}
		k.kept[name] = c
		if k.timer == nil {
			k.next = time.Now()
			k.await()
		}
		// The first look comes at any moment of the interval: after a restart all clients come
		// back at once, and should not be looked up together for ever.
		k.queue(c, rand.IntN(rounds)) //nolint:gosec // G404: spreads load
	}
	c.holders[h] = struct{}{}
	return kept, func() {
		end(context.Canceled)
		k.release(c, h)
	}
}

func (k *keeper) release(c *credential, h *holder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(c.holders, h)
	if len(c.holders) == 0 {
		k.drop(c)
	}
}

// drop forgets c. A newer one of the same name stays.
func (k *keeper) drop(c *credential) {
	if k.kept[c.name] == c {
		delete(k.kept, c.name)
	}
	if len(k.kept) == 0 && k.timer != nil {
		k.timer.Stop()
		k.timer, k.wheel = nil, [rounds + 1][]*credential{}
		k.series++
	}
}

// queue has a credential looked at after so many rounds. The caller holds mu.
func (k *keeper) queue(c *credential, after int) {
	at := (k.place + after) % len(k.wheel)
	k.wheel[at] = append(k.wheel[at], c)
}

// await sets the timer for the next round. The caller holds mu.
func (k *keeper) await() {
	k.next = k.next.Add(roundEvery)
	series := k.series
	k.timer = time.AfterFunc(time.Until(k.next), func() { k.round(series) })
}

// round looks at what is due. A round that takes long does not put off the next.
func (k *keeper) round(series int) {
	due, secrets := k.due(series)
	if len(due) == 0 {
		return
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), recheckWithin)
	defer cancel()
	verdicts := k.look(ctx, secrets)
	k.mu.Lock()
	defer k.mu.Unlock()
	passed := int(time.Since(begun) / roundEvery) // the next look counts from this one's beginning
	for i, c := range due {
		switch {
		case len(c.holders) == 0: // nobody has waited for the answer
		case errors.Is(verdicts[i], models.ErrUnauthenticated):
			k.drop(c)
			for h := range c.holders {
				h.end(models.ErrUnauthenticated)
			}
		default:
			k.queue(c, max(0, rounds-2-rand.IntN(rounds/4)-passed)) //nolint:gosec // G404: spreads load
		}
	}
}

// due takes what is due out of the wheel, and sets the timer for the next round.
func (k *keeper) due(series int) (due []*credential, secrets []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.series != series {
		return nil, nil // everybody has gone, and perhaps others have come
	}
	for _, c := range k.wheel[k.place] {
		if len(c.holders) > 0 {
			due, secrets = append(due, c), append(secrets, c.secret)
		}
	}
	k.wheel[k.place] = nil
	k.place = (k.place + 1) % len(k.wheel)
	k.await()
	return due, secrets
}
