// Package failpoint names the instants at which a crash would be worst, so that a test can make
// the process die exactly there. In a running Greenroom it does nothing: a point is one look at a
// nil function, and only a test binary, whose TestMain calls [Arm], has another.
package failpoint

// A Point is one instant. Its name says what has just been done and what has not.
type Point string

// The points, in the order in which a session meets them.
const (
	// CreateBeforeCommit: the session is written, its transaction not yet committed.
	CreateBeforeCommit Point = "create_before_commit"
	// CreateAfterCommit: the session holds its place; Daily has not been asked for its room.
	CreateAfterCommit Point = "create_after_commit"
	// CreateAfterRoom: Daily has made the room; the session does not know of it.
	CreateAfterRoom Point = "create_after_room"
	// RoomBeforeCommit: the room is written, its transaction not yet committed.
	RoomBeforeCommit Point = "room_before_commit"
	// RoomAfterCommit: the session has its room; its creator has not been answered.
	RoomAfterCommit Point = "room_after_commit"
	// StartBeforeCommit: the hand-over to an avatar server is written, not yet committed.
	StartBeforeCommit Point = "start_before_commit"
	// StartAfterCommit: the hand-over is committed; the avatar server has not heard of it.
	StartAfterCommit Point = "start_after_commit"
	// EndBeforeCommit: an end and its event are written, not yet committed.
	EndBeforeCommit Point = "end_before_commit"
	// EndAfterCommit: the session has ended; nothing of what it held has been released.
	EndAfterCommit Point = "end_after_commit"
	// ClaimAfterCommit: a room is claimed; nothing has been done for it.
	ClaimAfterCommit Point = "claim_after_commit"
	// EjectAfterCall: people are ejected; that is not yet written.
	EjectAfterCall Point = "eject_after_call"
	// DeleteAfterCall: Daily has deleted the room; that is not yet written.
	DeleteAfterCall Point = "delete_after_call"
)

// reached is nil outside of tests.
var reached func(Point)

// Hit says that p has been reached.
func Hit(p Point) {
	if reached != nil {
		reached(p)
	}
}

// Arm has f called at every point, from many goroutines. It is for a TestMain, before anything
// else runs; the linter refuses it elsewhere.
func Arm(f func(Point)) { reached = f }
