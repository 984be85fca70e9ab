package account_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/models"
)

func TestCreateAvatar(t *testing.T) {
	t.Parallel()
	f := setup(t)
	const picture = "https://pictures.example/a.png"

	for name, c := range map[string]struct{ name, picture, field string }{
		"TrimsTheName":                {"  Ada  ", picture, ""},
		"TakesTheLongestName":         {strings.Repeat("é", 128), picture, ""},
		"RefusesAnEmptyName":          {" \t ", picture, "name"},
		"RefusesATooLongName":         {strings.Repeat("é", 129), picture, "name"},
		"RefusesNULInTheName":         {"A\x00da", picture, "name"},
		"RefusesControlsInTheName":    {"A\u0085da", picture, "name"},
		"RefusesBrokenUTF8InTheName":  {"A\xffda", picture, "name"},
		"TakesTheLongestURL":          {"Ada", picture + "?" + strings.Repeat("x", 2048-len(picture)-1), ""},
		"RefusesATooLongURL":          {"Ada", picture + "?" + strings.Repeat("x", 2048-len(picture)), "url"},
		"RefusesARelativeURL":         {"Ada", "/a.png", "url"},
		"RefusesAnEmptyURL":           {"Ada", "", "url"},
		"RefusesAURLWithoutHost":      {"Ada", "https:///a.png", "url"},
		"RefusesAURLWithAPortAlone":   {"Ada", "https://:443/a.png", "url"},
		"RefusesAnOpaqueURL":          {"Ada", "https:pictures.example", "url"},
		"RefusesPlainHTTP":            {"Ada", "http://pictures.example/a.png", "url"},
		"TakesPlainHTTPOnLoopback":    {"Ada", "http://127.0.0.1:8080/a.png", ""},
		"TakesPlainHTTPOnLoopback6":   {"Ada", "http://[::1]:8080/a.png", ""},
		"TakesPlainHTTPOnLocalhost":   {"Ada", "http://localhost:8080/a.png", ""},
		"RefusesAHostThatLooksLocal":  {"Ada", "http://localhost.example/a.png", "url"},
		"RefusesCredentialsInTheURL":  {"Ada", "https://user:pass@pictures.example/a.png", "url"},
		"RefusesAScript":              {"Ada", "javascript:alert(1)", "url"},
		"RefusesDataInTheURL":         {"Ada", "data:image/png;base64,AAAA", "url"},
		"RefusesALineBreakInTheURL":   {"Ada", "https://pictures.example/\r\nx", "url"},
		"RefusesASpaceInTheURL":       {"Ada", "https://pictures.example/a b", "url"},
		"RefusesABackslashInTheURL":   {"Ada", `https://pictures.example\@evil.example/`, "url"},
		"RefusesBrokenUTF8InTheURL":   {"Ada", "https://pictures.example/\xff", "url"},
		"TakesAnInternationalisedURL": {"Ada", "https://bücher.example/ä.png", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := f.CreateAvatar(f.mine, c.name, c.picture)
			if c.field != "" {
				check(t, err, models.KindInvalidInput, c.field)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			stored, err := f.Avatar(f.mine, made.ID)
			if diff := cmp.Diff(made, stored); err != nil || diff != "" {
				t.Fatalf("error %v, stored (-made +stored):\n%s", err, diff)
			}
			if want := strings.TrimSpace(c.name); made.Name != want || made.URL != c.picture {
				t.Fatalf("got %q %q", made.Name, made.URL)
			}
		})
	}
}

func TestAvatar(t *testing.T) {
	t.Parallel()
	f := setup(t)

	t.Run("IsFoundByItsAccessToken", func(t *testing.T) {
		t.Parallel()
		got, err := f.Avatar(f.phone, f.avatar.ID)
		if diff := cmp.Diff(f.avatar, got); err != nil || diff != "" {
			t.Fatalf("error %v (-want +got):\n%s", err, diff)
		}
	})
	t.Run("OfAnotherAccountIsAsIfAbsent", func(t *testing.T) {
		t.Parallel()
		_, foreign := f.Avatar(f.other, f.avatar.ID)
		_, absent := f.Avatar(f.other, models.NewID(models.AvatarPrefix, noon))
		_, malformed := f.Avatar(f.other, "avat_' OR 1=1")
		check(t, foreign, models.KindNotFound)
		if foreign.Error() != absent.Error() || foreign.Error() != malformed.Error() {
			t.Fatalf("told apart: %v, %v, %v", foreign, absent, malformed)
		}
	})
	t.Run("OfTheSameAccountIsHiddenFromAnAccessTokenOfAnother", func(t *testing.T) {
		t.Parallel()
		second, err := f.CreateAvatar(f.mine, "Bea", "https://pictures.example/bea.png")
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Avatar(f.phone, second.ID)
		check(t, err, models.KindNotFound)
		list, err := f.Avatars(f.phone, models.AvatarQuery{Page: models.Page{Size: 10}})
		if err != nil || len(list.Nodes) != 1 || list.Nodes[0].ID != f.avatar.ID {
			t.Fatalf("got %+v, %v", list, err)
		}
	})
	t.Run("ListRefusesWhatNoNameHas", func(t *testing.T) {
		t.Parallel()
		for _, part := range []string{"a\x00", strings.Repeat("x", 129), "\xff"} {
			_, err := f.Avatars(f.mine, models.AvatarQuery{
				Page: models.Page{Size: 1}, Filter: models.AvatarFilter{NameContains: &part},
			})
			check(t, err, models.KindInvalidInput, "filter", "nameContains")
		}
	})
}

func TestUpdateAvatar(t *testing.T) {
	t.Parallel()
	f := setup(t)
	name, bad := " Grace ", ""

	t.Run("ChangesOnlyWhatIsGiven", func(t *testing.T) {
		t.Parallel()
		got, err := f.UpdateAvatar(f.mine, f.avatar.ID, &name, nil)
		want := *f.avatar
		want.Name = "Grace"
		if diff := cmp.Diff(&want, got); err != nil || diff != "" {
			t.Fatalf("error %v (-want +got):\n%s", err, diff)
		}
		stored, err := f.Avatar(f.mine, f.avatar.ID)
		if diff := cmp.Diff(&want, stored); err != nil || diff != "" {
			t.Fatalf("error %v, stored (-want +got):\n%s", err, diff)
		}
	})
	t.Run("ChecksLikeCreate", func(t *testing.T) {
		t.Parallel()
		_, err := f.UpdateAvatar(f.mine, f.avatar.ID, &bad, nil)
		check(t, err, models.KindInvalidInput, "name")
		_, err = f.UpdateAvatar(f.mine, f.avatar.ID, nil, &bad)
		check(t, err, models.KindInvalidInput, "url")
	})
	t.Run("IsForTheOwnersAPIKeyOnly", func(t *testing.T) {
		t.Parallel()
		_, err := f.UpdateAvatar(f.other, f.avatar.ID, &name, nil)
		check(t, err, models.KindNotFound, "id")
		_, err = f.UpdateAvatar(f.phone, f.avatar.ID, &bad, nil)
		check(t, err, models.KindForbidden)
		_, err = f.CreateAvatar(f.phone, bad, bad)
		check(t, err, models.KindForbidden)
		_, err = f.ArchiveAvatar(f.phone, f.avatar.ID)
		check(t, err, models.KindForbidden)
	})
}

func TestArchiveAvatar(t *testing.T) {
	t.Parallel()
	f := setup(t)

	t.Run("KeepsTheFirstTime", func(t *testing.T) {
		t.Parallel()
		first, err := f.ArchiveAvatar(f.mine, f.avatar.ID)
		if err != nil || first.ArchivedAt == nil || *first.ArchivedAt != noon {
			t.Fatalf("got %+v, %v", first, err)
		}
		again, err := f.ArchiveAvatar(f.mine, f.avatar.ID)
		if diff := cmp.Diff(first, again); err != nil || diff != "" {
			t.Fatalf("error %v (-first +again):\n%s", err, diff)
		}
	})
}
