import { expect, test } from 'vitest'
import { fromSearch, problemOf, toPath, toVariables } from './range'

const now = Date.parse('2026-03-05T23:59:59.999Z')
const days = (search: string) => {
  const { first, last } = fromSearch(search, now)
  return [first, last]
}

test('each named range has its days, in UTC', () => {
  expect(days('')).toEqual(['2026-03-01', '2026-03-05'])
  expect(days('range=last-month')).toEqual(['2026-02-01', '2026-02-28'])
  expect(days('range=7d')).toEqual(['2026-02-27', '2026-03-05'])
  expect(days('range=30d')).toEqual(['2026-02-04', '2026-03-05'])
  expect(days('range=custom&from=2025-12-31&to=2026-01-01')).toEqual(['2025-12-31', '2026-01-01'])
})

test('the last month of January is in the year before', () => {
  expect(fromSearch('range=last-month', Date.parse('2026-01-31T12:00:00Z'))).toEqual({ name: 'last-month', first: '2025-12-01', last: '2025-12-31' })
})

test('a range that is not known is this month', () => {
  expect(fromSearch('range=century', now).name).toBe('month')
})

test('an address comes back as it was', () => {
  for (const path of ['/usage', '/usage?range=7d', '/usage?range=custom&from=2026-01-01&to=2026-01-02']) {
    expect(toPath(fromSearch(path.split('?')[1] ?? '', now))).toBe(path)
  }
})

test('the last day is included', () => {
  expect(toVariables({ name: 'custom', first: '2026-02-28', last: '2026-02-28' })).toEqual({ from: '2026-02-28T00:00:00.000Z', to: '2026-03-01T00:00:00.000Z' })
})

test.each([
  ['', '', 'Enter'],
  ['2026-02-30', '2026-03-01', 'Enter'],
  ['2026-3-1', '2026-03-02', 'Enter'],
  ['2026-03-02', '2026-03-01', 'before'],
  ['2025-01-01', '2026-01-02', '366'],
])('a range from %j to %j is refused', (first, last, words) => {
  expect(problemOf({ name: 'custom', first, last })).toContain(words)
})

test('a leap year fits', () => {
  expect(problemOf({ name: 'custom', first: '2024-01-01', last: '2024-12-31' })).toBeNull()
})
