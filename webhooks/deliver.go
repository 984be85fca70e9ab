package webhooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"greenroom/db"
	"greenroom/models"
)

const (
	// perEndpoint is how many tries at one endpoint are under way at once; one that is failing gets
	// one at a time, so that receivers which hang take little of the whole.
	perEndpoint = 4
	// atOnce is how many tries there are at all. Endpoints that are failing have half of them
	// together: however many hang, and for however long, the others are served. An account has a
	// quarter, which all the endpoints that it may have fill: deleting those that hang and making
	// them anew gives it no more.
	atOnce     = 256
	perFailing = atOnce / 2
	perAccount = atOnce / 4
	// claimAtOnce bounds one transaction that claims.
	claimAtOnce = 64
	// leaseSlack is how long beyond a try's time-out its outcome may take to be written before
	// somebody else may make the try.
	leaseSlack = 5 * time.Second
	// pollEvery is the time between two looks without anybody's word.
	pollEvery = time.Second
)

// deliver claims and sends, round after round. All that it knows is in the rows, so any replica may
// do it at any time.
func (s *Service) deliver(ctx context.Context) {
	for {
		rest, err := s.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Log.Error("deliver webhooks", "error", err)
		}
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-s.wakeUp:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// round begins what is due and has a place, and tells how long it may rest after that.
func (s *Service) round(ctx context.Context) (time.Duration, error) {
	waiting, err := s.Store.WaitingWebhooks(ctx)
	if err != nil {
		return pollEvery, err
	}
	now := s.Clock()
	rest := pollEvery
	for _, w := range waiting {
		if w.Due > now {
			rest = min(rest, w.Due.Sub(now))
			break
		}
	}
	shares, full := s.share(waiting, now)
	if len(shares) == 0 {
		return rest, nil
	}
	claimed, more, err := s.claim(ctx, shares, now)
	if err != nil {
		return pollEvery, err
	}
	for _, c := range claimed {
		s.occupy(c.Delivery.EndpointID, 1)
		s.background.Go(func() { s.attempt(s.sending, c) })
	}
	if more || full && len(claimed) > 0 {
		rest = 0
	}
	return rest, nil
}

// A share is how many deliveries of one endpoint are claimed.
type share struct {
	of     db.WaitingWebhook
	places int
}

// share divides the free places among the endpoints for which something is due, the longest waiting
// first, and tells whether there was more than one claim takes. Places are only ever taken by the
// one loop that calls it.
func (s *Service) share(waiting []db.WaitingWebhook, now models.Time) (shares []share, full bool) {
	taken := s.taken(waiting)
	claims := claimAtOnce
	for _, w := range waiting {
		places := min(taken.more(w), max(0, atOnce-taken.all))
		switch {
		case w.Due > now, places == 0 && !w.Idle:
			continue
		case claims < places:
			return shares, true
		}
		shares = append(shares, share{w, places})
		taken.add(w, places)
		claims -= places
	}
	return shares, false
}

// places are those that are taken here.
type places struct {
	all, failing      int
	endpoint, account map[string]int
}

// taken counts the places that are taken. What an endpoint has under way is due again when its
// lease runs out, so all that have any are among those that wait.
func (s *Service) taken(waiting []db.WaitingWebhook) *places {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &places{endpoint: map[string]int{}, account: map[string]int{}}
	for _, w := range waiting {
		p.add(w, s.underWay[w.EndpointID])
	}
	p.all = 0
	for _, n := range s.underWay { // also tries whose outcome has just been written
		p.all += n
	}
	return p
}

func (p *places) add(w db.WaitingWebhook, n int) {
	p.all += n
	p.endpoint[w.EndpointID] += n
	p.account[w.AccountID] += n
	if w.Failing {
		p.failing += n
	}
}

// more is how many places an endpoint may have besides its own, whatever the others leave.
func (p *places) more(w db.WaitingWebhook) int {
	n := perEndpoint - p.endpoint[w.EndpointID]
	if w.Failing {
		n = min(1-p.endpoint[w.EndpointID], perFailing-p.failing)
	}
	return max(0, min(n, perAccount-p.account[w.AccountID]))
}

func (s *Service) occupy(endpointID string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.underWay[endpointID] += n; s.underWay[endpointID] == 0 {
		delete(s.underWay, endpointID)
	}
}

// claim takes deliveries that are due: until the lease runs out nobody else sends them, and
// afterwards our outcome no longer counts. What is due for an endpoint that is disabled or deleted
// is given up on the way; more tells that there may be more of that.
func (s *Service) claim(ctx context.Context, shares []share, now models.Time) (claimed []*db.ClaimedWebhook, more bool, err error) {
	leased := now.Add(s.Timeout + leaseSlack)
	err = s.Store.Write(ctx, func(tx *db.Tx) error {
		claimed, more = nil, false
		for _, of := range shares {
			limit := of.places
			if of.of.Idle {
				limit = claimAtOnce
			}
			due, err := tx.DueWebhooks(of.of, now, limit)
			if err != nil {
				return err
			}
			for _, c := range due {
				d, fence := c.Delivery, c.Delivery.Fence
				d.Fence++
				switch {
				case c.Endpoint == nil || c.Endpoint.DisabledAt != nil:
					d.Finish(models.DeliveryFailed, now)
					more = true
				case of.places == 0:
					continue // it has been enabled just now
				default:
					of.places--
					d.State, d.Due = models.DeliverySending, &leased
					claimed = append(claimed, c)
				}
				if err := tx.SwapWebhookDelivery(d, fence); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("claim webhooks: %w", err)
	}
	return claimed, more, nil
}

// attempt makes one try at a claimed delivery and writes how it went.
func (s *Service) attempt(ctx context.Context, c *db.ClaimedWebhook) {
	defer s.Wake() // there is a free place
	defer s.occupy(c.Delivery.EndpointID, -1)
	r, err := s.try(ctx, c)
	if err == nil {
		s.Observe(r.outcome, time.Duration(r.attempt.Latency)*time.Millisecond)
		// Whoever stops us, what the receiver has answered is noted.
		err = s.note(context.WithoutCancel(ctx), c, r)
	}
	if err != nil {
		// The lease runs out, and the event is sent again under the same id.
		s.Log.Error("deliver a webhook", "delivery", c.Delivery.ID, "endpoint", c.Delivery.EndpointID, "error", err)
	}
}

// try signs and sends.
func (s *Service) try(ctx context.Context, c *db.ClaimedWebhook) (*result, error) {
	now := s.Clock()
	r := &result{attempt: models.WebhookAttempt{At: now}}
	// A stop cuts off the call to the receiver, not this.
	sealed, err := s.Store.WebhookSecrets(context.WithoutCancel(ctx), c.Delivery.AccountID, c.Delivery.EndpointID, now)
	if err != nil {
		return nil, err
	}
	signatures, err := s.sign(c, sealed, now)
	switch {
	case err != nil:
		return nil, err
	case len(signatures) == 0: // nothing is ever sent unsigned
		r.failed(Unsigned, "this server cannot read the endpoint's secret: rotate it")
		return r, nil
	}
	// The empty header is not sent, but lets Go send once more, on a new connection, what a kept one
	// did not take because the receiver closed it at that moment: the event's id makes that safe.
	header := http.Header{"Idempotency-Key": {}}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", userAgent)
	header.Set(standardwebhooks.HeaderWebhookID, c.Delivery.EventID)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Std().Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return s.sender.post(ctx, c.Endpoint.URL, header, c.Payload), nil
}

// sign gives a signature by every secret that is active and can be read.
func (s *Service) sign(c *db.ClaimedWebhook, sealed []*db.WebhookSecret, now models.Time) ([]string, error) {
	var signatures []string
	for _, secret := range sealed {
		signer, err := s.sealer.signer(c.Delivery.EndpointID, secret.Sealed)
		if err != nil {
			s.Log.Warn("sign a webhook", "endpoint", c.Delivery.EndpointID, "error", err)
			continue
		}
		signature, err := signer.Sign(c.Delivery.EventID, now.Std(), []byte(c.Payload))
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		signatures = append(signatures, signature)
	}
	return signatures, nil
}

// note writes how a try went, and what follows for the endpoint. A claim that has run out changes
// nothing.
func (s *Service) note(ctx context.Context, c *db.ClaimedWebhook, r *result) error {
	after := s.follow(c.Delivery, r)
	disabled := false
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		disabled = false
		err := tx.SwapWebhookDelivery(after, after.Fence)
		if errors.Is(err, models.ErrConflict) {
			return nil
		}
		switch {
		case err != nil || r.outcome == Interrupted:
			return err
		case r.outcome == Delivered:
			return tx.WebhookWorked(after.AccountID, after.EndpointID)
		}
		e, err := tx.WebhookEndpoint(after.AccountID, after.EndpointID)
		if errors.Is(err, models.ErrNotFound) {
			return nil // deleted meanwhile
		} else if err != nil {
			return err
		}
		disabled = fail(e, r.attempt.At)
		if r.outcome == Gone && e.DisabledAt == nil {
			disabled = true
			e.Disable(r.attempt.At, models.DisabledGone)
		}
		if disabled {
			return tx.PutWebhookEndpoint(e)
		}
		return tx.PutWebhookFailure(e)
	})
	if err == nil && disabled {
		s.Log.Warn("a webhook endpoint was disabled", "endpoint", after.EndpointID, "account", after.AccountID, "outcome", r.outcome)
	}
	return err
}

// follow is a delivery after a try.
func (s *Service) follow(before *models.WebhookDelivery, r *result) *models.WebhookDelivery {
	d, now := *before, s.Clock()
	if r.outcome == Interrupted {
		d.State, d.Due = models.DeliveryPending, &now
		return &d
	}
	d.Tried(&r.attempt)
	if r.outcome == Delivered {
		d.Finish(models.DeliveryDelivered, now)
		return &d
	}
	d.Tries++
	wait, again := nextTry(d.Tries, r.retryAfter, s.chance())
	if !again || r.outcome == Gone {
		d.Finish(models.DeliveryFailed, now)
		return &d
	}
	d.State, d.Due = models.DeliveryPending, now.Add(wait).Ptr()
	return &d
}
