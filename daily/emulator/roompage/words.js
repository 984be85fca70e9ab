// What is said for each error type that Daily's browser library reports.
const byType = {
  'no-room': ['There is no such room', 'It was never made, or it has been deleted.', false],
  'exp-room': ['This room has expired', 'The time that it was made for is over.', false],
  'nbf-room': ['This room is not open yet', 'Try again later.', true],
  'exp-token': ['Your link has expired', 'Take a new one: read dailyRoom { url token } of the session again.', false],
  'nbf-token': ['Your link is not valid yet', 'Try again later.', true],
  'meeting-full': ['The room is full', 'Somebody must leave before you can join.', true],
  'not-allowed': ['You may not join this room', '', false],
  'connection-error': ['The connection is gone', 'The emulator does not answer. Is the server still running?', true],
}

// Why a room does not allow it, by the emulator's own words.
const byRefusal = {
  'the room is private': 'It is private. Add the session’s token to the address: ?t=…',
  'the token is not valid': 'The token in the address was not signed for this domain, or is not whole.',
  'the token is for another room': 'The token in the address is for another room.',
  'this user was put out of the call': 'You were put out of this call.',
}

const byEjection = {
  'by call': ['The call is over for you', 'The session has ended, or you were removed.', false],
  'time is up': ['Time is up', 'The room has closed.', false],
  'room deleted': ['The room is gone', 'It was deleted, as when a session ends.', false],
  'same user id joined again': ['You joined somewhere else', 'The same person may be in this room once.', true],
}

// words gives title, text, and whether joining again may help. Without an error the person left.
export function words({ error, info }) {
  if (!error) return { title: 'You have left', text: 'The room is still there.', again: true }
  const [title, text, again] = (error === 'ejected' ? byEjection[info] : byType[error])
    ?? ['You cannot be in this room', info ?? '', true]
  return { title, text: text || (byRefusal[info] ?? info ?? ''), again }
}
