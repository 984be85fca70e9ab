// Package sandbox is the built-in avatar server: a complete one, except that it renders no video
// and has no voice of its own. It dials in over a real socket like any other, joins rooms through
// a hook, decodes, resamples and plays there what it is sent to speak, and can be read as an
// example of the protocol.
package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"greenroom/avatarserver"
)

// Config is what the sandbox needs.
type Config struct {
	// URL is Greenroom's address, http(s) or ws(s); avatarserver.Path is added when missing.
	URL string
	// Key is an avatar-server key, gr_avsrv_….
	Key string
	// Name is for people; Instance is who this is, unique among all avatar servers. Both default
	// to the host's name.
	Name     string
	Instance string
	// Capacity is how many sessions it takes at once.
	Capacity int
	// Avatars are the ids that it takes; nil takes all.
	Avatars []string
	// ReadyAfter is how long it pretends to load the avatar.
	ReadyAfter time.Duration
	// Join, when set, brings the avatar into the room, where it is told to play what the session
	// is sent to speak. A nil Participant is in no room. The context ends when the session is
	// released meanwhile.
	Join func(ctx context.Context, avatar avatarserver.Avatar, room avatarserver.Room) (Participant, error)
	Log  *slog.Logger
	// HTTPClient dials; nil is http.DefaultClient.
	HTTPClient *http.Client
}

// The wait before dialling again doubles from the least to the most, well within the grace that
// Greenroom gives.
const (
	leastWait = 200 * time.Millisecond
	mostWait  = 5 * time.Second
)

// errFinal marks what dialling again cannot mend.
var errFinal = errors.New("not dialling again")

// Run is an avatar server until ctx ends; then it tells Greenroom that its sessions are lost,
// leaves their rooms and returns nil. When the connection breaks it keeps its sessions and dials
// again. It returns an error when that cannot help: a refused key, another process under the
// same instance, or a configuration that cannot work.
func Run(ctx context.Context, cfg Config) error {
	endpoint, err := cfg.fill()
	if err != nil {
		return fmt.Errorf("avatar server: %w", err)
	}
	s := &server{cfg: cfg, endpoint: endpoint, sessions: map[string]*session{}, leaving: map[string]*session{}}
	defer s.leaveAll()
	wait := leastWait
	for {
		welcomed, err := s.connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errFinal) {
			return fmt.Errorf("avatar server: %w", err)
		}
		if welcomed {
			wait = leastWait
		}
		// Half of it is chance, so that a fleet does not come back in one wave.
		pause := wait/2 + rand.N(wait/2+1) //nolint:gosec // G404: not a secret
		cfg.Log.Warn("connection to Greenroom ended, dialling again", "in", pause.Round(time.Millisecond).String(), "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		wait = min(2*wait, mostWait)
	}
}

// fill sets the defaults and gives the address to dial.
func (c *Config) fill() (string, error) {
	host, _ := os.Hostname()
	c.Instance = cmp.Or(c.Instance, host, "sandbox")
	c.Name = cmp.Or(c.Name, c.Instance)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Key == "" {
		return "", errors.New("an avatar-server key is needed")
	}
	if c.Capacity < 1 || c.Capacity > avatarserver.MaxSessions {
		return "", fmt.Errorf("capacity must be 1 to %d", avatarserver.MaxSessions)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return "", errors.New("the URL must be Greenroom's address, such as http://127.0.0.1:8080")
	}
	switch u.Scheme {
	case "http", "https", "ws", "wss":
	default:
		return "", errors.New("the URL must begin with http, https, ws or wss")
	}
	if !strings.HasSuffix(u.Path, avatarserver.Path) {
		u = u.JoinPath(avatarserver.Path)
	}
	return u.String(), nil
}

// server is the avatar server over all its connections.
type server struct {
	cfg      Config
	endpoint string
	// wg counts the sessions' goroutines.
	wg sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*session
	// leaving are those dropped whose goroutine has not left the room yet.
	leaving map[string]*session
	// link is the present connection, nil until it is welcomed.
	link *link
}

func (s *server) hello() avatarserver.Hello {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := avatarserver.Hello{
		Protocol: avatarserver.Protocol, Name: s.cfg.Name, Instance: s.cfg.Instance, Capacity: s.cfg.Capacity,
		Avatars:  avatarserver.Avatars{All: s.cfg.Avatars == nil, IDs: s.cfg.Avatars},
		Sessions: []avatarserver.Ref{},
	}
	for _, x := range s.sessions {
		h.Sessions = append(h.Sessions, x.ref)
	}
	return h
}

// leaveAll ends every session and waits until all rooms are left.
func (s *server) leaveAll() {
	s.mu.Lock()
	for _, x := range s.sessions {
		s.drop(x)
	}
	s.mu.Unlock()
	s.wg.Wait()
}
