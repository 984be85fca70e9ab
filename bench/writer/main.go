// Writer writes sessions through Greenroom's own store, without a server: those that a comparison
// begins with, and as many as it can.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"greenroom/bench/peer"
	"greenroom/db"
	"greenroom/models"
)

// commands is the command line.
type commands struct {
	peer.Options
	Plant   plant   `cmd:"" help:"Write avatars and sessions that have ended, and print an avatar's id."`
	Creates creates `cmd:"" help:"Write sessions for a time, and print how many."`
	// Audience is who watches.
	Audience audience `cmd:"" help:"Write many accounts with a session each, and print their credentials."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commands
	command := kong.Parse(&cli)
	command.BindTo(ctx, (*context.Context)(nil))
	command.FatalIfErrorf(command.Run(&cli.Options))
}

// creates writes as many sessions as it can.
type creates struct {
	Avatar  string        `required:"" help:"An avatar's id."`
	Callers int           `default:"64" help:"How many write at once."`
	For     time.Duration `default:"2s" help:"How long."`
}

// Run has every caller write a session by Store.Write, again and again.
func (c *creates) Run(ctx context.Context, o *peer.Options) (err error) {
	store, err := db.Open(ctx, o.Database, db.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	until, cancel := context.WithTimeout(ctx, c.For)
	defer cancel()
	var tally peer.Tally
	var callers sync.WaitGroup
	began := time.Now()
	for range c.Callers {
		callers.Go(func() {
			for until.Err() == nil {
				row := peer.NewSession(o.Account, c.Avatar, peer.Now())
				tally.Note(store.Write(ctx, func(tx *db.Tx) error { return tx.InsertSession(row) }))
			}
		})
	}
	callers.Wait()
	return tally.Print(os.Stdout, time.Since(began))
}

// plant is the past of an account.
type plant struct {
	Sessions int `default:"100000" help:"How many."`
	Avatars  int `default:"8" help:"What they are spread over."`
}

// Run writes the past, a thousand sessions a transaction.
func (p *plant) Run(ctx context.Context, o *peer.Options) (err error) {
	const together = 1000
	store, err := db.Open(ctx, o.Database, db.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	now := peer.Now()
	var avatars []string
	for i := range p.Avatars {
		avatars = append(avatars, models.NewID(models.AvatarPrefix, now.Add(-1000*time.Hour)))
		avatar := &models.Avatar{
			AccountID: o.Account, ID: avatars[i], Name: fmt.Sprintf("Ada the %d.", i+1),
			URL: fmt.Sprintf("https://pictures.example/avatars/%d.png", i+1), CreatedAt: models.IDTime(avatars[i]),
		}
		if err := store.Write(ctx, func(tx *db.Tx) error { return tx.InsertAvatar(avatar) }); err != nil {
			return err
		}
	}
	for first := 0; first < p.Sessions; first += together {
		err := store.Write(ctx, func(tx *db.Tx) error {
			for i := first; i < min(first+together, p.Sessions); i++ {
				// One every 20 s, the last a minute ago.
				at := now.Add(-time.Minute - time.Duration(p.Sessions-i)*20*time.Second)
				if err := tx.InsertSession(ended(o.Account, avatars[i%len(avatars)], at, i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{"avatar": avatars[0]})
}

// ended is a session that was ended by its client after some minutes.
func ended(accountID, avatarID string, at models.Time, i int) *models.Session {
	s := peer.NewSession(accountID, avatarID, at)
	person, most := fmt.Sprintf("learner-%d", i%5000), 3600
	s.Metadata = models.Metadata(fmt.Sprintf(`{"course":"french-%d","lesson":%d}`, i%7, i%40))
	s.EndUserID, s.MaxDuration = &person, &most
	s.Room.State, s.Room.URL = models.RoomGone, "https://greenroom.daily.co/"+s.Room.Name
	s.Deadline, s.DeadlineReason = nil, nil
	s.StartedAt = at.Add(5 * time.Second).Ptr()
	s.Expiration = s.StartedAt.Add(time.Hour).Ptr()
	s.End(s.StartedAt.Add(time.Duration(60+i%600)*time.Second), models.EndClient)
	return s
}
