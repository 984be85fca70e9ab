import { describe, expect, it } from 'vitest'
import { clock, relative, span } from './time'

it.each([
  [0, '0:00'],
  [-5, '0:00'],
  [9.9, '0:09'],
  [83, '1:23'],
  [3600, '1:00:00'],
  [90_061, '25:01:01'],
])('shows %s seconds on a clock as %s', (seconds, text) => {
  expect(clock(seconds)).toBe(text)
})

it.each([
  [0, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [80, '1 min 20 s'],
  [14_400, '4 h'],
  [14_405, '4 h'],
  [90_000, '1 d 1 h'],
])('says %s seconds as %s', (seconds, text) => {
  expect(span(seconds)).toBe(text)
})

describe('relative times', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  it.each([
    [-3, 'just now'],
    [-50, '50 s ago'],
    [-119, '1 min ago'],
    [-7200, '2 h ago'],
    [-2 * 86_400, '2 d ago'],
    [600, 'in 10 min'],
  ])('%s s from now', (seconds, text) => {
    expect(relative(now + seconds * 1000, now)).toBe(text)
  })

  it('are dates from a week on', () => {
    expect(relative(now - 30 * 86_400_000, now)).toBe('Oct 23, 2026')
  })
})
