package transport

import (
	"time"

	"greenroom/auth"
	"greenroom/models"
)

// Limits are how much may be open and run at once. Each socket and operation of an access token
// counts twice: as its session's, and as its account's.
type Limits struct {
	// Account is for everything of one account, Session for the access tokens of one session.
	Account, Session Share
}

// DefaultLimits are for who configures none: an account may be a back end with a socket for each
// of its users, a session is a phone and whoever looks over its shoulder.
var DefaultLimits = Limits{Account: Share{10_000, 20_000}, Session: Share{20, 50}}

// A Share is an amount of what is limited.
type Share struct {
	// Sockets counts event streams, and WebSockets that have signed in.
	Sockets int
	// Operations counts event streams, and the operations of WebSockets, of whatever kind.
	Operations int
}

func (s Share) plus(more Share) Share {
	return Share{s.Sockets + more.Sockets, s.Operations + more.Operations}
}

func (s Share) minus(less Share) Share {
	return Share{s.Sockets - less.Sockets, s.Operations - less.Operations}
}

// retryFull is when to try again that was refused because too much is open. Nobody can know, and
// many may be waiting.
const retryFull = 5 * time.Second

// exceeds tells, as RATE_LIMITED, which limit taken is beyond.
func (s Share) exceeds(limit Share, whose string) error {
	var what string
	switch {
	case s.Sockets > limit.Sockets:
		what = "sockets and event streams of this " + whose + " are open"
	case s.Operations > limit.Operations:
		what = "operations of this " + whose + " are running"
	default:
		return nil
	}
	return &models.Error{Kind: models.KindRateLimited, RetryAfter: retryFull, Message: "too many " + what}
}

// hold counts more as the caller's until release is called. Nobody's is not counted: nobody may
// subscribe, and a socket has to say soon whose it is. The error is RATE_LIMITED, and nothing is
// held then.
func (l *Live) hold(caller *auth.Caller, more Share) (release func(), err error) {
	if caller == nil {
		return func() {}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	account := l.held[caller.AccountID].plus(more)
	if err := account.exceeds(l.limits.Account, "account"); err != nil {
		return nil, err
	}
	// Ids of accounts and sessions have prefixes of their own.
	session := l.held[caller.SessionID].plus(more)
	if caller.SessionID != "" {
		if err := session.exceeds(l.limits.Session, "session"); err != nil {
			return nil, err
		}
		l.held[caller.SessionID] = session
	}
	l.held[caller.AccountID] = account
	return func() { l.release(caller, more) }, nil
}

func (l *Live) release(caller *auth.Caller, less Share) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, whose := range []string{caller.AccountID, caller.SessionID} {
		if whose == "" {
			continue
		}
		if left := l.held[whose].minus(less); left != (Share{}) {
			l.held[whose] = left
		} else {
			delete(l.held, whose)
		}
	}
}
