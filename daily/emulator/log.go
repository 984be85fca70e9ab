package emulator

import (
	"slices"

	"greenroom/models"
)

// An Entry is one line of the emulator's log: a call that came in, or something that happened.
type Entry struct {
	Seq int         `json:"seq"`
	At  models.Time `json:"at"`
	// Event is what happened, such as "room created"; empty for a call.
	Event string `json:"event,omitempty"`
	// Method and Path are the call's; a token in the path is left out.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Room   string `json:"room,omitempty"`
	// Status is what the call was answered, or would have been had a fault not come between;
	// 0 while it is under way.
	Status int   `json:"status,omitempty"`
	TookMS int64 `json:"tookMs,omitempty"`
	// Fault is the kind of fault that the call met.
	Fault string `json:"fault,omitempty"`
	// Detail is for people: who joined, which webhook.
	Detail string `json:"detail,omitempty"`
}

// maxLog is how many entries are kept; the oldest go first.
const maxLog = 200_000

// A logbook is the latest entries. mu of the emulator guards it.
type logbook struct {
	seq     int
	entries []*Entry
}

func (l *logbook) add(entry Entry) *Entry {
	l.seq++
	entry.Seq = l.seq
	if len(l.entries) >= maxLog {
		l.entries = slices.Delete(l.entries, 0, maxLog/10)
	}
	l.entries = append(l.entries, &entry)
	return &entry
}

// note logs an event. mu is held.
func (e *Emulator) note(at models.Time, event, room, detail string) {
	e.log.add(Entry{At: at, Event: event, Room: room, Detail: detail})
}

// Log gives every call and event so far, in order of their beginning.
func (e *Emulator) Log() []Entry {
	var log []Entry
	e.do(func(models.Time) {
		log = make([]Entry, len(e.log.entries))
		for i, entry := range e.log.entries {
			log[i] = *entry
		}
	})
	return log
}

// A RoomRecord is the whole truth about one room that is or was.
type RoomRecord struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Privacy   string      `json:"privacy"`
	State     RoomState   `json:"state"`
	CreatedAt models.Time `json:"createdAt"`
	// Exp is nil when the room never expires.
	Exp       *models.Time `json:"exp"`
	DeletedAt *models.Time `json:"deletedAt"`
	// Inside is who is in the room now, which may be after its end.
	Inside []Participant `json:"inside"`
}

// RoomState is what has become of a room.
type RoomState string

// The states of a room. An expired one is hidden from the API.
const (
	RoomLive    RoomState = "live"
	RoomExpired RoomState = "expired"
	RoomDeleted RoomState = "deleted"
)

// Rooms gives every room that ever was, oldest first.
func (e *Emulator) Rooms() []RoomRecord {
	var records []RoomRecord
	e.do(func(now models.Time) {
		records = make([]RoomRecord, len(e.all))
		for i, r := range e.all {
			records[i] = r.record(now)
		}
	})
	return records
}

func (r *room) record(now models.Time) RoomRecord {
	record := RoomRecord{
		ID: r.id, Name: r.name, Privacy: r.privacy, State: RoomLive,
		CreatedAt: r.createdAt, DeletedAt: r.deletedAt, Inside: []Participant{},
	}
	if exp, ok := r.exp(); ok {
		record.Exp = &exp
	}
	switch {
	case r.deletedAt != nil:
		record.State = RoomDeleted
	case r.expired(now):
		record.State = RoomExpired
	}
	if r.meeting != nil {
		for _, p := range r.meeting.inside() {
			record.Inside = append(record.Inside, *p)
		}
	}
	return record
}
