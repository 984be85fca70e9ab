package account_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/auth"
	"greenroom/models"
)

func TestAPIKey(t *testing.T) {
	t.Parallel()
	f := setup(t)
	key, secret, err := f.CreateAPIKey(f.mine, "back end")
	if err != nil {
		t.Fatal(err)
	}

	t.Run("IsStoredByHashAlone", func(t *testing.T) {
		t.Parallel()
		stored, hash, err := f.store.APIKeyByPrefix(t.Context(), key.Prefix)
		if err != nil || !bytes.Equal(hash, auth.Hash(secret)) {
			t.Fatalf("hash %x, %v", hash, err)
		}
		if diff := cmp.Diff(key, stored); diff != "" {
			t.Fatalf("stored (-made +stored):\n%s", diff)
		}
		if !strings.HasPrefix(secret, "gr_live_") || !strings.HasPrefix(secret, key.Prefix) || len(secret) < len(key.Prefix)+40 {
			t.Fatalf("secret of %d characters begins %q", len(secret), secret[:8])
		}
	})
	t.Run("NeedsAName", func(t *testing.T) {
		t.Parallel()
		_, _, err := f.CreateAPIKey(f.mine, "\n")
		check(t, err, models.KindInvalidInput, "name")
	})
	t.Run("IsHiddenFromOthers", func(t *testing.T) {
		t.Parallel()
		_, err := f.APIKey(f.other, key.ID)
		check(t, err, models.KindNotFound)
		_, err = f.RevokeAPIKey(f.other, key.ID)
		check(t, err, models.KindNotFound, "id")
		list, err := f.APIKeys(f.other, models.Page{Size: 10})
		if err != nil || len(list.Nodes) != 0 {
			t.Fatalf("got %+v, %v", list, err)
		}
		_, err = f.APIKeys(f.phone, models.Page{Size: 10})
		check(t, err, models.KindForbidden)
		_, _, err = f.CreateAPIKey(f.phone, "mine")
		check(t, err, models.KindForbidden)
	})
}

func TestRevokeAPIKey(t *testing.T) {
	t.Parallel()
	f := setup(t)
	key, _, err := f.CreateAPIKey(f.mine, "back end")
	if err != nil {
		t.Fatal(err)
	}

	t.Run("KeepsTheFirstTime", func(t *testing.T) {
		t.Parallel()
		first, err := f.RevokeAPIKey(f.mine, key.ID)
		if err != nil || first.RevokedAt == nil || *first.RevokedAt != noon {
			t.Fatalf("got %+v, %v", first, err)
		}
		again, err := f.RevokeAPIKey(f.mine, key.ID)
		if diff := cmp.Diff(first, again); err != nil || diff != "" {
			t.Fatalf("error %v (-first +again):\n%s", err, diff)
		}
		list, err := f.APIKeys(f.mine, models.Page{Size: 10})
		if err != nil || len(list.Nodes) != 1 {
			t.Fatalf("a revoked key stays listed; got %+v, %v", list, err)
		}
	})
}

func TestOperatorKeys(t *testing.T) {
	t.Parallel()
	f := setup(t)

	t.Run("AreMadeForAnyAccount", func(t *testing.T) {
		t.Parallel()
		key, secret, err := f.OperatorCreateKey(t.Context(), f.avatar.AccountID, "first")
		if err != nil || secret == "" || key.AccountID != f.avatar.AccountID {
			t.Fatalf("got %+v, %v", key, err)
		}
		if err := f.OperatorRevokeKey(t.Context(), key.ID); err != nil {
			t.Fatal(err)
		}
		stored, err := f.APIKey(f.mine, key.ID)
		if err != nil || stored.RevokedAt == nil {
			t.Fatalf("got %+v, %v", stored, err)
		}
	})
	t.Run("NeedAnAccountThatExists", func(t *testing.T) {
		t.Parallel()
		_, _, err := f.OperatorCreateKey(t.Context(), models.NewID(models.AccountPrefix, noon), "first")
		check(t, err, models.KindNotFound)
	})
	t.Run("OfAvatarServersAreMadeAndRevoked", func(t *testing.T) {
		t.Parallel()
		key, secret, err := f.OperatorCreateAvatarServerKey(t.Context())
		if err != nil || !strings.HasPrefix(secret, "gr_avsrv_") {
			t.Fatalf("got %+v, %v", key, err)
		}
		for range 2 {
			if err := f.OperatorRevokeKey(t.Context(), key.ID); err != nil {
				t.Fatal(err)
			}
		}
		stored, hash, err := f.store.AvatarServerKeyByPrefix(t.Context(), key.Prefix)
		if err != nil || stored.RevokedAt == nil || !bytes.Equal(hash, auth.Hash(secret)) {
			t.Fatalf("got %+v, %v", stored, err)
		}
	})
	t.Run("ThatAreUnknownAreNotFound", func(t *testing.T) {
		t.Parallel()
		check(t, f.OperatorRevokeKey(t.Context(), "key_nothing"), models.KindNotFound)
	})
}
