import { expect, test } from 'vitest'
import { carry, learn, placeholders } from './ids'

const created = (id: string) => ({ createSession: { session: { id } } })
const listed = (id: string) => ({ avatars: { nodes: [{ id }] }, sessions: { nodes: [{ id: 'sess_L' }] } })

test('a created session replaces the one before', () => {
  const first = learn(placeholders, created('sess_1'))
  expect(learn(first, created('sess_2')).session).toBe('sess_2')
})

test('a list gives ids only while there are none', () => {
  const first = learn(placeholders, listed('avat_1'))
  expect(first).toEqual({ avatar: 'avat_1', session: 'sess_L', endpoint: placeholders.endpoint })
  expect(learn(first, listed('avat_2')).avatar).toBe('avat_1')
})

test.each([null, undefined, 'text', 7, [], { createSession: null }, { avatars: { nodes: [] } }, { sessions: { nodes: [null] } }])(
  'an answer without ids, %j, changes nothing',
  (data) => {
    expect(learn(placeholders, data)).toEqual(placeholders)
  },
)

test('placeholders and the ids of before become those of now', () => {
  const before = { ...placeholders, session: 'sess_1' }
  const now = { ...placeholders, avatar: 'avat_1', session: 'sess_2' }
  expect(carry('{"a": "avat_…", "b": "sess_1", "c": "sess_…"}', before, now)).toBe('{"a": "avat_1", "b": "sess_2", "c": "sess_2"}')
})

test('an id that the reader has written stays', () => {
  const now = { ...placeholders, session: 'sess_2' }
  expect(carry('{"id": "sess_mine"}', placeholders, now)).toBe('{"id": "sess_mine"}')
})
