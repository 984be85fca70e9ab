import { expect, test } from 'vitest'
import { deliveryState, disabledBecause, endpointState, eventName, inOrder, outcome, refreshEvery } from './words'

const now = Date.parse('2026-11-22T12:00:00.000Z')
const fine = { disabledAt: null, disabledReason: null, failingSince: null }

test('events have the names that receivers see', () => {
  expect(eventName('SESSION_ENDED')).toBe('session.ended')
  expect(eventName('WEBHOOK_TEST')).toBe('webhook.test')
})

test('an endpoint that was disabled by hand is no alarm, one that failed is', () => {
  expect(endpointState(fine)).toEqual(['good', 'Active'])
  expect(endpointState({ ...fine, failingSince: 'x' })).toEqual(['bad', 'Failing'])
  expect(endpointState({ ...fine, disabledAt: 'x', disabledReason: 'REQUESTED' })).toEqual(['done', 'Disabled'])
  expect(endpointState({ ...fine, disabledAt: 'x', disabledReason: 'GONE' })).toEqual(['bad', 'Disabled'])
})

test('a reason that is newer than this page has words, too', () => {
  expect(disabledBecause('SOMETHING_NEW')).toBe('It is sent nothing.')
})

test('a delivery that has failed before and waits is being tried again', () => {
  expect(deliveryState({ state: 'PENDING', attempts: [] })[1]).toBe('Pending')
  expect(deliveryState({ state: 'PENDING', attempts: [{ at: '', httpStatus: 500, latency: 1, error: 'x' }] })[1]).toBe('Trying again')
})

test('a delivered one that is replayed is pending, for nothing has failed', () => {
  expect(deliveryState({ state: 'PENDING', attempts: [{ at: '', httpStatus: 204, latency: 1, error: null }] })[1]).toBe('Pending')
})

test('events stand in the order of a session, and new ones are kept', () => {
  expect(inOrder(['SESSION_LOST', 'SESSION_ENDED', 'SESSION_CREATED'])).toEqual(['SESSION_CREATED', 'SESSION_ENDED', 'SESSION_LOST'])
})

test('an outcome has its status and its latency', () => {
  expect(outcome({ at: '', httpStatus: 204, latency: 999, error: null })).toBe('204, 999 ms')
  expect(outcome({ at: '', httpStatus: null, latency: 15_000, error: 'timeout' })).toBe('No answer, 15.0 s')
})

test('the log is read often only while something is about to change', () => {
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString()
  expect(refreshEvery([{ state: 'SENDING', nextAttemptAt: null }], now)).toBe(3_000)
  expect(refreshEvery([{ state: 'PENDING', nextAttemptAt: at(5) }], now)).toBe(3_000)
  expect(refreshEvery([{ state: 'PENDING', nextAttemptAt: at(-5) }], now)).toBe(3_000)
  expect(refreshEvery([{ state: 'PENDING', nextAttemptAt: at(3600) }], now)).toBe(30_000)
  expect(refreshEvery([{ state: 'DELIVERED', nextAttemptAt: null }], now)).toBe(30_000)
  expect(refreshEvery([], now)).toBe(30_000)
})
