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
)

// A keeper looks at the credentials of what stays open again and again: once for each, however
// many hold it. While nothing is open it does nothing.
type keeper struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]*credential
}

// A credential is one that is in use. Guarded by keeper.mu, but for the secret.
type credential struct {
	secret string
	timer  *time.Timer
	// holders end with the credential.
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
	a.keeper.mu.Lock()
	defer a.keeper.mu.Unlock()
	c := a.keeper.kept[name]
	if c == nil {
		c = &credential{secret: secret, holders: map[*holder]struct{}{}}
		// The first look comes at any moment of the interval: after a restart all clients come
		// back at once, and should not be looked up together for ever.
		c.timer = time.AfterFunc(rand.N(recheckEvery), func() { a.recheck(name, c) }) //nolint:gosec // G404: spreads load
		a.keeper.kept[name] = c
	}
	c.holders[h] = struct{}{}
	return kept, func() {
		end(context.Canceled)
		a.keeper.release(name, c, h)
	}
}

func (k *keeper) release(name [sha256.Size]byte, c *credential, h *holder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(c.holders, h)
	if len(c.holders) == 0 {
		k.drop(name, c)
	}
}

// drop forgets c. A newer one of the same name stays.
func (k *keeper) drop(name [sha256.Size]byte, c *credential) {
	c.timer.Stop()
	if k.kept[name] == c {
		delete(k.kept, name)
	}
}

func (a *Authenticator) recheck(name [sha256.Size]byte, c *credential) {
	ctx, cancel := context.WithTimeout(context.Background(), recheckWithin)
	defer cancel()
	_, err := a.Caller(ctx, c.secret)
	a.keeper.mu.Lock()
	defer a.keeper.mu.Unlock()
	switch {
	case len(c.holders) == 0: // nobody has waited for the answer
	case errors.Is(err, models.ErrUnauthenticated):
		a.keeper.drop(name, c)
		for h := range c.holders {
			h.end(models.ErrUnauthenticated)
		}
	default:
		c.timer.Reset(recheckEvery - rand.N(recheckEvery/4)) //nolint:gosec // G404: spreads load
	}
}
