import { describe, expect, it } from 'vitest'
import { Newest } from './newest'

const session = (revision: number, more: object = {}) => ({ __typename: 'Session', id: 'sess_1', revision, ...more })

describe('what is known of a session', () => {
  it('is not undone by a state that comes late', () => {
    const newest = new Newest()
    newest.apply({ sessionUpdated: session(5, { status: 'ENDED', endReason: 'EXPIRED' }) })
    const late = newest.apply({ startSession: { __typename: 'StartSessionPayload', session: session(4, { status: 'STARTED', endReason: null }) } })
    expect(late.startSession.session).toEqual(session(5, { status: 'ENDED', endReason: 'EXPIRED' }))
  })

  it('is replaced by a newer one, in lists too', () => {
    const newest = new Newest()
    newest.apply({ a: session(1, { status: 'CREATED' }) })
    const data = { sessions: { __typename: 'SessionConnection', edges: [{ __typename: 'SessionEdge', node: session(2, { status: 'STARTED' }) }] } }
    expect(newest.apply(data)).toEqual(data)
    expect(newest.apply({ a: session(1, { status: 'CREATED' }) }).a).toEqual(session(2, { status: 'STARTED' }))
  })

  it('is gathered from documents that select other fields', () => {
    const newest = new Newest()
    newest.apply({ a: session(3, { status: 'ENDED' }) })
    newest.apply({ a: session(3, { duration: 7 }) })
    expect(newest.apply({ a: session(2, { status: 'STARTED', duration: null }) }).a).toEqual(session(3, { status: 'ENDED', duration: 7 }))
  })

  it('keeps fields that only the late one has, and the shape of what it asked for', () => {
    const newest = new Newest()
    const room = { __typename: 'DailyRoom', token: null, exp: 'x' }
    newest.apply({ a: session(2, { dailyRoom: room }) })
    const late = session(1, { dailyRoom: { __typename: 'DailyRoom', token: 'old', url: 'u' }, endUserId: 'me' })
    expect(newest.apply({ a: late }).a).toEqual(session(2, { dailyRoom: { __typename: 'DailyRoom', token: null, url: 'u' }, endUserId: 'me' }))
  })

  it('takes the same revision again: a room token changes without one', () => {
    const newest = new Newest()
    newest.apply({ a: session(2, { dailyRoom: { __typename: 'DailyRoom', token: 'old' } }) })
    const again = session(2, { dailyRoom: { __typename: 'DailyRoom', token: 'new' } })
    expect(newest.apply({ a: again }).a).toEqual(again)
  })

  it('does not believe metadata that looks like a session', () => {
    const newest = new Newest()
    const trap = session(99, { status: 'ENDED' })
    newest.apply({ a: { ...session(1), metadata: { nested: trap, ...trap } } })
    expect(newest.apply({ a: session(2, { status: 'STARTED' }) }).a).toEqual(session(2, { status: 'STARTED' }))
    // A late one takes the newer metadata whole.
    newest.apply({ a: session(4, { metadata: { b: 2 } }) })
    expect(newest.apply({ a: session(3, { metadata: { __typename: 'x', b: 1, c: 1 } }) }).a).toEqual(session(4, { metadata: { b: 2 } }))
  })

  it('forgets the sessions that were not seen for the longest time', () => {
    const newest = new Newest()
    newest.apply({ a: session(9) })
    newest.apply(Array.from({ length: 2000 }, (_, i) => ({ __typename: 'Session', id: `other_${i}`, revision: 1 })))
    expect(newest.apply({ a: session(1) }).a).toEqual(session(1))
  })
})
