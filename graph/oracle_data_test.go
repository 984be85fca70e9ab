package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
)

// hostileTexts are texts that somebody may have stored, or asks for.
var hostileTexts = []string{
	"", "plain", `"quoted\back/slash"`, "tab\tline\nreturn\r", "\x01\x1f\x7f", "<script>&amp;</script>", "é ü ß \u2028\u2029",
	"👩🏽‍🚀 \U0010ffff", "%_!%", "' OR 1=1 --", "null", "{}", strings.Repeat("x", 128), "\ufffd\ufeff",
}

// storedValues are in metadata, and filtered for.
var storedValues = []any{
	"plain", true, false, json.Number("1.50"), json.Number("1.5"), json.Number("9007199254740993"), json.Number("9007199254740992"),
	json.Number("-0"), json.Number("0"), json.Number("1e2"), json.Number("100"), json.Number("1e-7"),
}

// A planted world has sessions in every state that a row can have, of two accounts.
type planted struct {
	*world
	sessions []*models.Session
	avatars  []*models.Avatar
	// ids are of everything that `node` may be asked for, and of nothing at all.
	ids     []string
	callers map[string]*auth.Caller
}

// plant fills a world in which nothing happens any more.
func plant(w *world, r *rand.Rand) *planted {
	w.t.Helper()
	w.newSession(w.mine, w.avatar.ID) // from here on Daily's domain is known, and tokens are signed
	if err := w.sessions.Shutdown(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	p := &planted{world: w, callers: map[string]*auth.Caller{"mine": w.mine, "other": w.other, "nobody": nil}}
	for _, caller := range []*auth.Caller{w.mine, w.other} {
		p.ids = append(p.ids, caller.AccountID)
		for i := range 6 {
			p.plantAvatar(r, caller, i)
		}
		for i := range 30 {
			p.plantSession(r, caller, i)
		}
		key := &models.APIKey{AccountID: caller.AccountID, ID: models.NewID(models.KeyPrefix, epoch), Name: "k", Prefix: caller.AccountID, CreatedAt: epoch}
		p.write(func(tx *db.Tx) error { return tx.InsertAPIKey(key, []byte(key.ID)) })
		p.ids = append(p.ids, key.ID)
	}
	for i, s := range p.sessions {
		if i%5 == 0 {
			p.callers[fmt.Sprintf("token %d", i)] = tokenOf(s)
		}
	}
	p.ids = append(p.ids, "", "sess_", "avat_x", "nope", "sess_"+strings.ToLower(models.ULID(p.sessions[0].ID)),
		models.NewID(models.SessionPrefix, epoch), models.NewID(models.AvatarPrefix, epoch), models.NewID(models.EventPrefix, epoch),
		models.NewID(models.WebhookPrefix, epoch), models.NewID(models.DeliveryPrefix, epoch), models.NewID("else_", epoch))
	return p
}

func (p *planted) write(change func(tx *db.Tx) error) {
	p.t.Helper()
	if err := p.store.Write(context.Background(), change); err != nil {
		p.t.Fatal(err)
	}
}

func (p *planted) plantAvatar(r *rand.Rand, of *auth.Caller, i int) {
	at := epoch - models.Time(r.IntN(1e9))
	a := &models.Avatar{
		AccountID: of.AccountID, ID: models.NewID(models.AvatarPrefix, at), Name: pick(r, hostileTexts), URL: "https://x.example/" + pick(r, hostileTexts), CreatedAt: at,
	}
	if i%2 == 1 {
		a.ArchivedAt = (at + 1).Ptr()
	}
	p.write(func(tx *db.Tx) error { return tx.InsertAvatar(a) })
	p.avatars, p.ids = append(p.avatars, a), append(p.ids, a.ID)
}

// plantSession stores one of the states, with the rest by chance.
func (p *planted) plantSession(r *rand.Rand, of *auth.Caller, i int) {
	at := epoch - models.Time(r.IntN(4))*models.Time(r.IntN(1e7))
	mine := p.avatars[len(p.avatars)-6:]
	s := &models.Session{
		AccountID: of.AccountID, ID: models.NewID(models.SessionPrefix, at), AvatarID: mine[r.IntN(len(mine))].ID,
		SessionType: models.WebRTCVideo, CreatedAt: at, Revision: 1 + r.IntN(9), Version: 1, AvatarState: models.AvatarWaiting, TokenGeneration: 1,
		Room: models.Room{State: models.RoomReady, Exp: epoch + models.Time(r.IntN(5e6)) - 1e6},
	}
	object := map[string]any{}
	for range r.IntN(3) {
		object[pick(r, hostileTexts)] = pick(r, append([]any{pick(r, hostileTexts), nil, map[string]any{"a": "b"}}, storedValues...))
	}
	var err error
	if s.Metadata, err = models.NewMetadata(object); err != nil {
		p.t.Fatal(err)
	}
	if r.IntN(2) == 0 {
		s.EndUserID = new(pick(r, hostileTexts))
	}
	if r.IntN(2) == 0 {
		s.MaxDuration = new(r.IntN(1e4))
	}
	s.Room.Name = "test-s-" + strings.ToLower(models.ULID(s.ID))
	if r.IntN(4) > 0 {
		s.Room.URL = "https://x.daily.co/" + s.Room.Name
	}
	states[i%len(states)](r, s)
	p.write(func(tx *db.Tx) error {
		if err := tx.InsertSession(s); err != nil {
			return err
		}
		for revision := range min(s.Revision, r.IntN(6)) {
			e := &models.SessionEvent{
				AccountID: s.AccountID, SessionID: s.ID, Revision: revision + 1, ID: models.NewID(models.EventPrefix, at),
				Type: models.EventParticipantJoined, At: at + models.Time(revision), Actor: models.ActorParticipant,
			}
			if r.IntN(2) == 0 {
				e.Detail = new(pick(r, hostileTexts))
			}
			if err := tx.InsertEvent(e); err != nil {
				return err
			}
			p.ids = append(p.ids, e.ID)
		}
		return nil
	})
	p.sessions, p.ids = append(p.sessions, s), append(p.ids, s.ID)
}

// states are what a stored session can be.
var states = []func(r *rand.Rand, s *models.Session){
	func(_ *rand.Rand, s *models.Session) { s.Room.URL, s.Room.State = "", models.RoomCreating },
	func(_ *rand.Rand, s *models.Session) { due(s, epoch+60_000, models.EndNeverStarted) },
	func(_ *rand.Rand, s *models.Session) { due(s, epoch, models.EndNeverStarted) }, // at this very instant
	func(_ *rand.Rand, s *models.Session) { due(s, epoch-1, models.EndNeverStarted) },
	func(_ *rand.Rand, s *models.Session) { due(s, epoch+1, models.EndNeverStarted) },
	func(r *rand.Rand, s *models.Session) { started(r, s) },
	func(r *rand.Rand, s *models.Session) { started(r, s); due(s, epoch+5_000, models.EndExpired) },
	func(r *rand.Rand, s *models.Session) { started(r, s); due(s, epoch-5_000, models.EndExpired) },
	func(r *rand.Rand, s *models.Session) { started(r, s); due(s, epoch-1, models.EndQuotaExhausted) },
	func(r *rand.Rand, s *models.Session) { started(r, s); s.AvatarState = models.AvatarLost },
	func(_ *rand.Rand, s *models.Session) { s.AvatarState = models.AvatarConnecting },
	func(r *rand.Rand, s *models.Session) {
		started(r, s)
		due(s, epoch-5_000, models.EndExpired) // long written
		s.End(epoch-6_000, pick(r, []models.EndReason{models.EndClient, models.EndOperator, models.EndParticipantsLeft}))
	},
	func(_ *rand.Rand, s *models.Session) { s.End(s.CreatedAt+10, models.EndProvisionFailed) },
	func(r *rand.Rand, s *models.Session) { started(r, s); s.End(*s.StartedAt, models.EndAvatarLost) },
}

// started is long enough ago for every end above to be behind it.
func started(r *rand.Rand, s *models.Session) {
	at := min(s.CreatedAt-models.Time(r.IntN(1e6)), epoch-10_000)
	s.StartedAt, s.AvatarState = &at, models.AvatarReady
}

func due(s *models.Session, at models.Time, why models.EndReason) {
	s.Deadline, s.DeadlineReason = &at, &why
	if s.StartedAt != nil {
		s.Expiration = &at
	}
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
