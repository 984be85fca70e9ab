package webhooks

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/auth"
	"greenroom/db/dbtest"
	"greenroom/models"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	closed := newBorder(nil)
	for _, address := range []string{
		"https://hooks.example.com", "https://hooks.example.com/a/b?c=d", "https://hooks.example.com:8443/", "https://8.8.8.8/in",
		"https://[2606:4700:4700::1111]/", "https://xn--bcher-kva.example/", "https://hooks.example.com./", "https://0x7f.1/",
	} {
		if err := closed.check(address); err != nil { // what a name resolves to is seen when it is dialled
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{
		"", "hooks.example.com", "/in", "https://", "https:///in", "http://hooks.example.com", "ftp://hooks.example.com", "javascript:alert(1)",
		"https:hooks.example.com", "https://user:pw@hooks.example.com", "https://user@hooks.example.com", "https://hooks.example.com/#f",
		"https://hooks.example.com:22/", "https://hooks.example.com:0/", "https://hooks.example.com:99999/", "https://hooks.example.com:x/",
		"https://bücher.example/", "https://hooks.example.com/ a", "https://hooks.example.com\\@inside", "https://hooks.example.com/\n",
		"https://127.0.0.1/", "https://10.0.0.1/", "https://192.168.0.1/", "https://169.254.169.254/latest", "https://100.64.1.1/",
		"https://[::1]/", "https://[fd00:ec2::254]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/",
		"https://[fe80::1%25eth0]/", "https://localhost/", "https://LOCALHOST./", "https://8.8.8.8:22/", "https://0.0.0.0/",
		"https://hooks.example.com/" + strings.Repeat("a", maxURL),
	} {
		if err := closed.check(address); models.KindOf(err) != models.KindInvalidInput {
			t.Errorf("%.60s: %v", address, err)
		}
	}
	open := newBorder([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")})
	for _, address := range []string{
		"http://127.0.0.1:9000/", "http://localhost:9000/", "https://10.1.2.3:4444/", "http://billing.internal:8080/", "https://[fd00::1]:1/",
	} {
		if err := open.check(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"http://8.8.8.8/", "https://10.2.0.1/", "https://8.8.8.8:22/", "http://[::1]/"} {
		if err := open.check(address); models.KindOf(err) != models.KindInvalidInput {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	all := []models.WebhookEventType{models.WebhookSessionEnded}

	t.Run("AreRefusedWithTheField", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		long, control := strings.Repeat("x", maxDescription+1), "a\x00b"
		for field, create := range map[string]func() error{
			"url":         func() error { return refusal(w.service.CreateEndpoint(w.key(), "nowhere", all, nil)) },
			"eventTypes":  func() error { return refusal(w.service.CreateEndpoint(w.key(), "https://a.example", nil, nil)) },
			"description": func() error { return refusal(w.service.CreateEndpoint(w.key(), "https://a.example", all, &long)) },
		} {
			refused, ok := errors.AsType[*models.Error](create())
			if !ok || refused.Kind != models.KindInvalidInput || !cmp.Equal(refused.Field, []string{field}) {
				t.Errorf("%s: %+v", field, refused)
			}
		}
		if err := refusal(w.service.CreateEndpoint(w.key(), "https://a.example", []models.WebhookEventType{models.WebhookTest}, nil)); models.KindOf(err) != models.KindInvalidInput {
			t.Errorf("for tests: %v", err)
		}
		if err := refusal(w.service.CreateEndpoint(w.key(), "https://a.example", all, &control)); models.KindOf(err) != models.KindInvalidInput {
			t.Errorf("with a NUL: %v", err)
		}
	})

	t.Run("AreLimitedAlsoWhenMadeAtOnce", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		outcomes := make(chan error)
		for range 2 * maxEndpoints {
			go func() { outcomes <- refusal(w.service.CreateEndpoint(w.key(), "https://a.example", all, nil)) }()
		}
		made := 0
		for range 2 * maxEndpoints {
			switch err := <-outcomes; {
			case err == nil:
				made++
			case models.KindOf(err) != models.KindInvalidInput:
				t.Error(err)
			}
		}
		if made != maxEndpoints {
			t.Errorf("%d were made", made)
		}
	})

	t.Run("ChangeInPart", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		text, empty := " the back end ", ""
		e, _, err := w.service.CreateEndpoint(w.key(), "https://a.example", append(all, all...), &text)
		if err != nil || *e.Description != "the back end" || len(e.EventTypes) != 1 {
			t.Fatalf("%+v, %v", e, err)
		}
		to := "https://b.example/"
		got, err := w.service.UpdateEndpoint(w.key(), e.ID, Change{URL: &to})
		want := *e
		want.URL = to
		if diff := cmp.Diff(&want, got); err != nil || diff != "" {
			t.Errorf("%v, (-want +got):\n%s", err, diff)
		}
		got, err = w.service.UpdateEndpoint(w.key(), e.ID, Change{Description: &empty, EventTypes: []models.WebhookEventType{models.WebhookSessionStarted}})
		if err != nil || got.Description != nil || got.URL != to || got.EventTypes[0] != models.WebhookSessionStarted {
			t.Errorf("%+v, %v", got, err)
		}
		if diff := cmp.Diff(got, w.readEndpoint(e)); diff != "" {
			t.Errorf("stored (-answered +stored):\n%s", diff)
		}
	})

	t.Run("AreTheirAccountsAlone", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		e, _ := w.endpoint("https://a.example")
		d := w.sendTest(e)
		stranger := keyOf(dbtest.NewWorld(t, w.store).Account.ID)
		phone := auth.WithCaller(context.Background(), &auth.Caller{Kind: auth.AccessToken, AccountID: e.AccountID, SessionID: "sess_x"})
		for name, ask := range map[string]func(context.Context) error{
			"read":    func(ctx context.Context) error { return failure(w.service.Endpoint(ctx, e.ID)) },
			"update":  func(ctx context.Context) error { return failure(w.service.UpdateEndpoint(ctx, e.ID, Change{})) },
			"rotate":  func(ctx context.Context) error { _, _, _, err := w.service.RotateSecret(ctx, e.ID); return err },
			"disable": func(ctx context.Context) error { return failure(w.service.DisableEndpoint(ctx, e.ID)) },
			"enable":  func(ctx context.Context) error { return failure(w.service.EnableEndpoint(ctx, e.ID)) },
			"delete":  func(ctx context.Context) error { return w.service.DeleteEndpoint(ctx, e.ID) },
			"test":    func(ctx context.Context) error { return failure(w.service.SendTest(ctx, e.ID)) },
			"look":    func(ctx context.Context) error { return failure(w.service.Delivery(ctx, d.ID)) },
			"replay":  func(ctx context.Context) error { return failure(w.service.Replay(ctx, d.ID)) },
		} {
			if err := ask(stranger); models.KindOf(err) != models.KindNotFound {
				t.Errorf("%s as a stranger: %v", name, err)
			}
			if err := ask(phone); models.KindOf(err) != models.KindForbidden {
				t.Errorf("%s with an access token: %v", name, err)
			}
			if err := ask(context.Background()); models.KindOf(err) != models.KindUnauthenticated {
				t.Errorf("%s without a credential: %v", name, err)
			}
		}
		if got := w.readEndpoint(e); !cmp.Equal(got, e) {
			t.Errorf("it was changed: %+v", got)
		}
		page, err := w.service.Endpoints(stranger, models.Page{Size: 10})
		if err != nil || len(page.Nodes) != 0 {
			t.Errorf("listed %v, %v", page, err)
		}
	})
}

func refusal[A, B any](_ A, _ B, err error) error { return err }

func failure[A any](_ A, err error) error { return err }
