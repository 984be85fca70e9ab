package db

import (
	"slices"
	"strings"
	"testing"

	"greenroom/models"
)

// Most columns of a session have an index, and an index of a column that is named is written.
func TestASwapNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	store := openTest(t, nil)
	ctx := t.Context()
	account := &models.Account{ID: models.NewID(models.AccountPrefix, 1), PlanKey: "pro"}
	avatar := &models.Avatar{AccountID: account.ID, ID: models.NewID(models.AvatarPrefix, 1)}
	due, why := models.Time(1000), models.EndNeverStarted
	row := &models.Session{
		AccountID: account.ID, ID: models.NewID(models.SessionPrefix, 1), AvatarID: avatar.ID, SessionType: models.WebRTCVideo,
		Metadata: models.EmptyMetadata, Deadline: &due, DeadlineReason: &why, Revision: 1, Version: 1, AvatarState: models.AvatarWaiting,
		Room: models.Room{State: models.RoomCreating, Name: "room", Exp: 1000, Fence: 1},
	}
	err := store.Write(ctx, func(tx *Tx) error {
		for _, err := range []error{tx.InsertAccount(account), tx.InsertAvatar(avatar), tx.InsertSession(row)} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = store.Write(ctx, func(tx *Tx) error {
		found, err := tx.Session(models.Scope{AccountID: account.ID}, row.ID)
		if err != nil {
			return err
		}
		found.Metadata = `{"a":1}`
		found.Revision++
		return tx.Swap(found)
	})
	if err != nil {
		t.Fatal(err)
	}
	updates := slices.DeleteFunc(groupOf(t, store).conn.own.Keys(), func(text string) bool { return !strings.HasPrefix(text, "UPDATE sessions ") })
	if want := []string{"UPDATE sessions SET metadata = ?, revision = ?, version = ? WHERE (account_id = ?) AND (id = ? AND version = ?)"}; !slices.Equal(updates, want) {
		t.Errorf("it was written by %q, want %q", updates, want)
	}
}
