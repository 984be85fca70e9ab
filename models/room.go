package models

// RoomState is where this server stands with a session's room at Daily. Clients never see it.
//
//	creating → ready → ejecting → deleting → gone
//	creating → deleting (given up, or ended meanwhile: a late room may still appear)
type RoomState string

const (
	// RoomCreating: the room is wanted; somebody holding the lease may be calling Daily.
	RoomCreating RoomState = "creating"
	// RoomReady: Daily has confirmed the room.
	RoomReady RoomState = "ready"
	// RoomEjecting: the session has ended; the avatar is to be released and people ejected.
	RoomEjecting RoomState = "ejecting"
	// RoomDeleting: nobody should be in the room any more; it is to be deleted.
	RoomDeleting RoomState = "deleting"
	// RoomGone: Daily has confirmed that there is no such room.
	RoomGone RoomState = "gone"
)

// A Room is what a session remembers of its room: columns of the session's row.
type Room struct {
	State RoomState
	Name  string
	// URL is as Daily answered it; empty until the room is ready.
	URL string
	// Exp is when Daily closes the room at the latest, sent with its creation.
	Exp Time
	// Fence rises with every claim; an outcome is written only under the claim's own number.
	Fence int
	// Due is when the room wants attention again: the end of the present claim's lease, or the
	// next try after a failure.
	Due *Time
	// Tries counts calls to Daily that failed since the present state began.
	Tries int
	// DeleteAgain says that one DELETE is not enough: the room's making was given up, and it may
	// appear after the first.
	DeleteAgain bool
	// EmptySince is since when nobody has been in the room; nil while somebody is, and until
	// somebody was. People only: the avatar is not counted.
	EmptySince *Time
	// CheckDue is when Daily is to be asked whether the room is empty still; nil while it is not,
	// and once the session has ended.
	CheckDue *Time
	// Checks counts askings in a row that Daily did not answer.
	Checks int
}

// Shown tells whether clients see the room: not while it is being made, nor when it could not be.
func (r *Room) Shown() bool { return r.URL != "" }

// DailyRoom is the private video room of one session as a client sees it.
type DailyRoom struct {
	URL            string
	Name           string
	Token          *string
	TokenExpiresAt *Time
	Exp            Time
}
