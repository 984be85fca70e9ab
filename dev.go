package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/config"
	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/models"
)

// devDailyKey is the API key of the emulated Daily.
const devDailyKey = "dev"

//go:embed samples
var samples embed.FS

// sampleAvatars come with `serve --dev`; their pictures are served by this program.
var sampleAvatars = []struct{ name, picture string }{
	{"Ada", "/dev/samples/ada.svg"},
	{"Grace", "/dev/samples/grace.svg"},
}

// A devWorld is what `serve --dev` adds: the accounts that a newcomer does not have elsewhere.
// The emulator has a listener of its own and is stopped last, as Daily outlives any of us.
type devWorld struct {
	account  *models.Account
	emulator *emulator.Emulator
	dailyURL string
	web      *http.Server
	// avatarKey is the built-in avatar server's, made anew for every run.
	avatarKey string
	// webhookSecret is what the emulator's webhooks are signed with, made anew for every run.
	webhookSecret string
	cancel        context.CancelFunc
	running       sync.WaitGroup
}

func newDevWorld(ctx context.Context, s *server) (*devWorld, error) {
	d := &devWorld{
		avatarKey: rand.Text(), webhookSecret: base64.StdEncoding.EncodeToString([]byte(rand.Text())), cancel: func() {},
	}
	var err error
	if d.account, err = furnish(ctx, s.store, s.base); err != nil {
		return nil, err
	}
	d.emulator = emulator.New(emulator.Config{
		Key: devDailyKey, Log: s.log,
		RoomURL: func(name string) string { return roomURL(s.base+"/dev", name) },
	})
	listener, err := listen(ctx, "dev", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.dailyURL = "http://" + listener.Addr().String() + "/v1"
	d.web = &http.Server{Handler: d.emulator, ReadHeaderTimeout: 5 * time.Second}
	d.running.Go(func() { d.serve(s, listener) })
	return d, nil
}

func (d *devWorld) serve(s *server, l net.Listener) {
	if err := d.web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		s.failed <- fmt.Errorf("daily emulator: %w", err)
	}
}

// furnish makes the account and the avatars of a new development database. Pictures follow the
// address, which may be another one today.
func furnish(ctx context.Context, store *db.Store, base string) (*models.Account, error) {
	accounts, err := store.OperatorAccounts(ctx)
	if err != nil {
		return nil, err
	}
	now := models.SystemClock()
	account := &models.Account{ID: models.NewID(models.AccountPrefix, now), Name: "Development", PlanKey: config.DevPlan, CreatedAt: now}
	if len(accounts) > 0 {
		account = accounts[0]
	}
	known, err := store.Avatars(ctx, models.AvatarQuery{
		Scope: models.Scope{AccountID: account.ID}, Page: models.Page{Size: len(sampleAvatars), Backward: true},
	})
	if err != nil {
		return nil, err
	}
	err = store.Write(ctx, func(tx *db.Tx) error {
		if err := tx.InsertAccount(account); err != nil {
			return err
		}
		for i, sample := range sampleAvatars {
			// One millisecond apart, so that the list's order is ours; the oldest come last.
			at := now.Add(time.Duration(i) * time.Millisecond)
			a := &models.Avatar{AccountID: account.ID, ID: models.NewID(models.AvatarPrefix, at), Name: sample.name, CreatedAt: at}
			write := tx.InsertAvatar
			if oldest := len(known.Nodes) - 1 - i; oldest >= 0 {
				kept := *known.Nodes[oldest]
				a, write = &kept, tx.UpdateAvatar
			}
			a.URL = base + sample.picture
			if err := write(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("furnish the development database: %w", err)
	}
	return account, nil
}

func (d *devWorld) isAvatarServer(secret string) bool { return secret == d.avatarKey }

// runAvatarServer dials in the built-in avatar server, over a real socket like any other.
func (d *devWorld) runAvatarServer(s *server) {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.running.Go(func() {
		err := sandbox.Run(ctx, sandbox.Config{
			URL: s.base, Key: d.avatarKey, Name: "built-in", Instance: "built-in", Capacity: 100,
			ReadyAfter: 300 * time.Millisecond, Log: s.log,
			Join: func(ctx context.Context, avatar avatarserver.Avatar, room avatarserver.Room) (sandbox.Participant, error) {
				room.URL = roomURL(s.base+"/dev", room.Name) // what is written down may be an earlier run's address
				return attend(ctx, avatar, room)
			},
		})
		if err != nil {
			s.failed <- fmt.Errorf("built-in avatar server: %w", err)
		}
	})
}

// registerWebhook has the emulator tell us who joins and leaves, as an operator sets it up at
// Daily: over this server's own listener.
func (d *devWorld) registerWebhook(ctx context.Context, s *server, listening net.Addr) error {
	_, err := s.sessions.Daily.RegisterWebhook(ctx, "http://"+listening.String()+dailyWebhookPath, d.webhookSecret)
	if err != nil {
		return fmt.Errorf("register the emulator's webhook: %w", err)
	}
	return nil
}

// attend brings the avatar into its emulated room, over the room's socket, where it plays what it
// is sent to speak.
func attend(ctx context.Context, avatar avatarserver.Avatar, room avatarserver.Room) (sandbox.Participant, error) {
	in, err := emulator.Attend(ctx, nil, room.URL, emulator.Guest{Token: room.Token, Name: avatar.Name, Picture: avatar.URL})
	if err != nil {
		return nil, err
	}
	return in, nil
}

// roomURL is where the page of a room is, given where the emulator is.
func roomURL(at, name string) string { return at + "/rooms/" + name }

// stop ends the built-in avatar server, and the emulator last.
func (d *devWorld) stop() {
	d.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if d.web != nil {
		_ = d.web.Shutdown(ctx)
		_ = d.web.Close()
		_ = d.emulator.Close()
	}
	d.running.Wait()
}

// routes are what --dev answers besides: the emulator, the pages of its rooms, and pictures.
func (d *devWorld) routes(mux *http.ServeMux) {
	pictures, err := fs.Sub(samples, "samples")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux.Handle("/dev/daily/", http.StripPrefix("/dev/daily", d.emulator))
	mux.Handle("GET /dev/samples/", http.StripPrefix("/dev/samples/", http.FileServerFS(pictures)))
	mux.Handle("/dev/rooms/", http.StripPrefix("/dev", d.emulator))
}

// loopbackOnly answers requests that name this machine, and no others: a page elsewhere could
// otherwise have its own name resolve to us, and use the well-known key.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]") // no port; an IPv6 address keeps its brackets
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "with --dev only loopback names are answered, such as localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
