package account

import (
	"context"
	"math/rand/v2"
	"time"

	"greenroom/auth"
	"greenroom/events"
	"greenroom/models"
)

const (
	// gatherPulses is how long what happens to an account is gathered into one message.
	gatherPulses = 100 * time.Millisecond
	// tellEvery is how often, on average, an account is told although nothing is known to have
	// happened: minutes run, and an operator's command tells nobody.
	tellEvery = time.Minute
)

// Watch tells the caller's account, now and whenever its places, minutes or keys may have
// changed; every minute or so in any case, as its minutes run. The channel closes when ctx ends. API key only.
func (s *Service) Watch(ctx context.Context) (<-chan *models.Account, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	pulse := s.hub.Account(caller.AccountID) // before reading, so that nothing falls in between
	present, err := s.store.Account(ctx, caller.AccountID)
	if err != nil {
		pulse.Close()
		return nil, err
	}
	out := make(chan *models.Account)
	go s.tell(ctx, pulse, present, out)
	return out, nil
}

func (s *Service) tell(ctx context.Context, pulse *events.Pulse, present *models.Account, out chan<- *models.Account) {
	defer close(out)
	defer pulse.Close()
	for {
		select {
		case out <- present:
		case <-ctx.Done():
			return
		}
		again := time.NewTimer(tellEvery/2 + rand.N(tellEvery)) //nolint:gosec // G404: jitter, not a secret
		select {
		case <-pulse.News():
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
		again.Stop()
		gathered := time.NewTimer(gatherPulses)
		select {
		case <-gathered.C:
		case <-ctx.Done():
			gathered.Stop()
			return
		}
		// An account that cannot be read now is told as it was: its edges are read anew anyway.
		if found, err := s.store.Account(ctx, present.ID); err == nil {
			present = found
		} else if ctx.Err() == nil {
			s.log.Warn("watch an account", "account", present.ID, "error", err)
		}
	}
}
