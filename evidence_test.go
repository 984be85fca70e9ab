package main

import (
	"slices"
	"strings"
	"testing"

	"greenroom/daily/emulator"
	"greenroom/models"
)

// TestChecker breaks each invariant once: a checker that finds nothing would find nothing.
func TestChecker(t *testing.T) {
	t.Parallel()
	at := func(ms models.Time) *models.Time { return &ms }
	reason := string(models.EndClient)
	const created, ended = models.EventCreated, models.EventEnded
	const hookCreated, hookStarted, hookEnded = models.WebhookSessionCreated, models.WebhookSessionStarted, models.WebhookSessionEnded
	sound := func() (*evidence, map[string]*told) {
		return &evidence{
			sessions: map[string]*stored{
				"a": {id: "a", metadata: `{"key": "ka", "n": 1}`, roomName: "ra", roomState: models.RoomReady, created: 5, startedAt: at(6), events: []models.EventType{created},
					roomURL: "u", hooks: []models.WebhookEventType{hookCreated, hookStarted}},
				"b": {id: "b", metadata: `{"key": "kb", "n": 0}`, roomName: "rb", roomState: models.RoomGone, created: 5, endedAt: at(9), reason: &reason, events: []models.EventType{created, ended},
					roomURL: "u", hooks: []models.WebhookEventType{hookCreated, hookEnded}},
			},
			keys:  map[string]string{"ka": "a", "kb": "b"},
			rooms: map[string]emulator.RoomRecord{"ra": {State: emulator.RoomLive}, "rb": {State: emulator.RoomDeleted}},
			made:  map[string]int{"ra": 1, "rb": 1},
			hooks: map[string]bool{"h1": true},
		}, map[string]*told{"ka": {id: "a", n: 1, started: true}, "kb": {id: "b", asked: true, ended: true}}
	}
	for name, c := range map[string]struct {
		spoil func(e *evidence, known map[string]*told)
		finds string
	}{
		"Nothing":              {func(*evidence, map[string]*told) {}, ""},
		"TwoSessionsOfAKey":    {func(e *evidence, _ map[string]*told) { e.sessions["b"].metadata = e.sessions["a"].metadata }, "I1"},
		"AKeyOfAnotherSession": {func(e *evidence, _ map[string]*told) { e.keys["ka"] = "b" }, "I1"},
		"ALostKey":             {func(e *evidence, _ map[string]*told) { delete(e.keys, "ka") }, "I1"},
		"TooManyPlaces": {func(e *evidence, _ map[string]*told) {
			e.sessions["b"].endedAt, e.sessions["b"].events = nil, e.sessions["b"].events[:1]
		}, "I2"},
		"AnOrphan":               {func(e *evidence, _ map[string]*told) { e.rooms["rb"] = emulator.RoomRecord{State: emulator.RoomLive} }, "I3"},
		"ASecondRoom":            {func(e *evidence, _ map[string]*told) { e.made["ra"]++ }, "I3"},
		"ALiveSessionsLostRoom":  {func(e *evidence, _ map[string]*told) { delete(e.rooms, "ra") }, "I3"},
		"ARoomThatIsNotFinished": {func(e *evidence, _ map[string]*told) { e.sessions["a"].roomState = models.RoomCreating }, "I3"},
		"TwoEnds":                {func(e *evidence, _ map[string]*told) { e.sessions["b"].events = append(e.sessions["b"].events, ended) }, "I4"},
		"NoEnd":                  {func(e *evidence, _ map[string]*told) { e.sessions["b"].events = e.sessions["b"].events[:1] }, "I4"},
		"AnEndOfALiveSession":    {func(e *evidence, _ map[string]*told) { e.sessions["a"].events = append(e.sessions["a"].events, ended) }, "I4"},
		"AHookTooMany": {func(e *evidence, _ map[string]*told) {
			e.sessions["a"].hooks = append(e.sessions["a"].hooks, hookEnded)
		}, "I4"},
		"AHookTooFew":           {func(e *evidence, _ map[string]*told) { e.sessions["b"].hooks = e.sessions["b"].hooks[:1] }, "I4"},
		"AHookThatIsNotSent":    {func(e *evidence, _ map[string]*told) { e.hooks["h2"] = true }, "I4"},
		"AHookThatIsNotWritten": {func(e *evidence, _ map[string]*told) { delete(e.hooks, "h1") }, "I4"},
		"NoBeginning":           {func(e *evidence, _ map[string]*told) { e.sessions["a"].events = nil }, "I4"},
		"AnEndBeforeTheStart":   {func(e *evidence, _ map[string]*told) { e.sessions["b"].startedAt = at(10) }, "I6"},
		"ALostSession":          {func(e *evidence, _ map[string]*told) { delete(e.sessions, "a") }, "I7"},
		"ALostStart":            {func(e *evidence, _ map[string]*told) { e.sessions["a"].startedAt = nil }, "I7"},
		"ALostNote":             {func(_ *evidence, known map[string]*told) { known["ka"].n, known["ka"].tried = 2, 2 }, "I7"},
		"ALostEnd":              {func(_ *evidence, known map[string]*told) { known["ka"].ended = true }, "I7"},
		"AnEndThatNobodyWanted": {func(_ *evidence, known map[string]*told) { known["kb"].asked = false }, "I7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, known := sound()
			c.spoil(e, known)
			found := strings.Join(slices.Concat(e.committed(1), e.settled(), e.kept(known), e.told([]hooked{{id: "h1", verified: true}})), "\n")
			if (found == "") != (c.finds == "") || !strings.Contains(found, c.finds) {
				t.Errorf("it says %q", found)
			}
		})
	}
}
