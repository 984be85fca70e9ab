package session

import "greenroom/models"

// An action is one thing that may happen to a session.
type action string

const (
	handOver       action = "hand over"       // an avatar server is given the session
	giveUp         action = "give up"         // no avatar server could be had
	markReady      action = "mark ready"      // the avatar is in the room
	lose           action = "lose"            // its avatar server is gone
	end            action = "end"             // for whichever reason
	updateMetadata action = "update metadata" // also after the end: notes on a conversation come late
	rotateToken    action = "rotate token"
	noteClient     action = "note client" // its stream was opened or closed
	// noteParticipant: somebody came into the room or went out. Those whom the end puts out go after it.
	noteParticipant action = "note participant"
)

// A position is where a session stands: what its timestamps say, and its avatar.
type position struct {
	status models.SessionStatus
	avatar models.AvatarState
}

var (
	waiting    = position{models.StatusCreated, models.AvatarWaiting}
	connecting = position{models.StatusCreated, models.AvatarConnecting}
	ready      = position{models.StatusStarted, models.AvatarReady}
	lost       = position{models.StatusStarted, models.AvatarLost}
	ended      = position{models.StatusEnded, models.AvatarGone}
)

// moves lists, for each action, where a session may stand before it and where it stands after.
// An action that is not listed cannot happen. Nothing leaves ended.
var moves = map[action]map[position]position{
	handOver:  {waiting: connecting, connecting: connecting, lost: lost},
	giveUp:    {connecting: waiting},
	markReady: {connecting: ready, lost: ready},
	lose:      {ready: lost},
	end:       {waiting: ended, connecting: ended, ready: ended, lost: ended},
	updateMetadata: {
		waiting: waiting, connecting: connecting, ready: ready, lost: lost, ended: ended,
	},
	rotateToken: {waiting: waiting, connecting: connecting, ready: ready, lost: lost},
	noteClient:  {waiting: waiting, connecting: connecting, ready: ready, lost: lost},
	noteParticipant: {
		waiting: waiting, connecting: connecting, ready: ready, lost: lost, ended: ended,
	},
}

func positionOf(s *models.Session) position { return position{s.Status(), s.AvatarState} }

// allow tells whether a may happen to s: nil, models.ErrSessionEnded, or models.ErrConflict
// for what only this program itself can attempt.
func allow(a action, s *models.Session) error {
	at := positionOf(s)
	if _, ok := moves[a][at]; ok {
		return nil
	}
	if at == ended {
		return models.ErrSessionEnded
	}
	return models.ErrConflict
}

// place puts s where a leads. Timestamps are the caller's to have set before.
func place(a action, from position, s *models.Session) {
	s.AvatarState = moves[a][from].avatar
}
