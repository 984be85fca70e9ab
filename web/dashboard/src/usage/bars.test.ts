import { expect, test } from 'vitest'
import { byWeek, dayLabel, minutes, percent, toBars, type UsageDay } from './bars'

function report(count: number): UsageDay[] {
  const first = Date.parse('2026-01-01T00:00:00.000Z')
  return Array.from({ length: count }, (_, i) => ({ day: new Date(first + i * 86_400_000).toISOString(), sessions: 1, seconds: 90 }))
}

test('up to 62 days have a bar each', () => {
  expect(toBars(report(62))).toHaveLength(62)
  expect(toBars(report(2))).toEqual([
    { label: 'Jan 1', sessions: 1, minutes: 1.5 },
    { label: 'Jan 2', sessions: 1, minutes: 1.5 },
  ])
})

test('a longer range has a bar for seven days, and nothing is lost', () => {
  expect(byWeek(63)).toBe(true)
  const bars = toBars(report(366))
  expect(bars).toHaveLength(53)
  expect(bars[0]).toEqual({ label: 'Jan 1 – Jan 7', sessions: 7, minutes: 10.5 })
  expect(bars.at(-1)).toEqual({ label: 'Dec 31 – Jan 1', sessions: 2, minutes: 3 })
  expect(bars.reduce((sum, bar) => sum + bar.sessions, 0)).toBe(366)
})

test('no days have no bars', () => {
  expect(toBars([])).toEqual([])
})

test('a day is the one in UTC', () => {
  expect(dayLabel('2026-11-22T00:00:00.000Z')).toBe('Nov 22')
})

test('minutes have a tenth and separators', () => {
  expect(minutes(0)).toBe('0')
  expect(minutes(61)).toBe('1')
  expect(minutes(90)).toBe('1.5')
  expect(minutes(3_600_000)).toBe('60,000')
})

test('a share stays within its bar', () => {
  expect(percent(5, 20)).toBe(25)
  expect(percent(30, 20)).toBe(100)
  expect(percent(3, 0)).toBe(100)
  expect(percent(3, null)).toBeNull()
})
