package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"greenroom/auth"
	"greenroom/bench/peer"
	"greenroom/db"
	"greenroom/models"
)

// audience is many accounts, each with a session that somebody may watch.
type audience struct {
	Accounts int `default:"9000" help:"How many."`
}

// An owner is what a load has to know of one.
type owner struct{ Session, Token, Key string }

// Run writes them, a hundred accounts a transaction, and prints their sessions' ids and credentials.
func (a *audience) Run(ctx context.Context, o *peer.Options) (err error) {
	const together = 100
	store, err := db.Open(ctx, o.Database, db.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	owners := make([]owner, a.Accounts)
	now := peer.Now()
	for first := 0; first < a.Accounts; first += together {
		err := store.Write(ctx, func(tx *db.Tx) error {
			for i := first; i < min(first+together, a.Accounts); i++ {
				if err := move(tx, &owners[i], i, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(owners)
}

// move has an account move in.
func move(tx *db.Tx, into *owner, i int, now models.Time) error {
	account := &models.Account{ID: models.NewID(models.AccountPrefix, now), Name: fmt.Sprintf("Number %d", i), PlanKey: "unlimited", CreatedAt: now}
	if err := tx.InsertAccount(account); err != nil {
		return err
	}
	secret := auth.NewAPIKey()
	key := &models.APIKey{ID: models.NewID(models.KeyPrefix, now), AccountID: account.ID, Name: "k", Prefix: secret.Prefix, CreatedAt: now}
	if err := tx.InsertAPIKey(key, secret.Hash); err != nil {
		return err
	}
	avatar := &models.Avatar{AccountID: account.ID, ID: models.NewID(models.AvatarPrefix, now), Name: "Ada", URL: "https://pictures.example/a.png", CreatedAt: now}
	if err := tx.InsertAvatar(avatar); err != nil {
		return err
	}
	session := peer.NewSession(account.ID, avatar.ID, now)
	if err := tx.InsertSession(session); err != nil {
		return err
	}
	token := auth.NewSigner([]byte("of nobody")).AccessToken(session.ID, 1)
	*into = owner{Session: session.ID, Token: token, Key: secret.Text}
	return tx.PutAccessToken(session, auth.Hash(token))
}
