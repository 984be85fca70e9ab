/** The ranges that can be chosen. All days are UTC, as the plan counts. */
export const ranges = ['month', 'last-month', '7d', '30d', 'custom'] as const
export type RangeName = (typeof ranges)[number]

export const rangeLabels: Record<RangeName, string> = {
  month: 'This month',
  'last-month': 'Last month',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  custom: 'Custom',
}

/** Days as `2026-11-22`, the last one included. */
export interface Range {
  name: RangeName
  first: string
  last: string
}

const dayLength = 86_400_000

/** What the API takes: a range's last instant lies at most so many days behind its first. */
const longest = 366

export function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

function named(name: Exclude<RangeName, 'custom'>, now: number): Range {
  const at = new Date(now)
  const month = (offset: number, date: number) => day(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + offset, date))
  switch (name) {
    case 'month':
      return { name, first: month(0, 1), last: day(now) }
    case 'last-month':
      return { name, first: month(-1, 1), last: month(0, 0) }
    case '7d':
      return { name, first: day(now - 6 * dayLength), last: day(now) }
    case '30d':
      return { name, first: day(now - 29 * dayLength), last: day(now) }
  }
}

/** Reads an address; a range that it does not know is this month. */
export function fromSearch(search: string, now: number): Range {
  const params = new URLSearchParams(search)
  const name = ranges.find((known) => known === params.get('range')) ?? 'month'
  if (name !== 'custom') return named(name, now)
  return { name, first: params.get('from') ?? '', last: params.get('to') ?? '' }
}

export function toPath(range: Range): string {
  if (range.name === 'month') return '/usage'
  const params = new URLSearchParams({ range: range.name })
  if (range.name === 'custom') {
    params.set('from', range.first)
    params.set('to', range.last)
  }
  return `/usage?${params}`
}

/** What is wrong with a range, in words; null when it can be asked for. */
export function problemOf({ first, last }: Range): string | null {
  const [from, to] = [instant(first), instant(last)]
  if (from === null || to === null) return 'Enter the first and the last day.'
  if (to < from) return 'The last day lies before the first one.'
  if ((to - from) / dayLength + 1 > longest) return `At most ${longest} days.`
  return null
}

/** From the first day's first instant up to the instant behind the last day. */
export function toVariables({ first, last }: Range): { from: string; to: string } {
  return { from: new Date(instant(first) ?? 0).toISOString(), to: new Date((instant(last) ?? 0) + dayLength).toISOString() }
}

/** A day's first instant; null for what is no day, such as the 30th of February. */
function instant(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null
  const at = Date.parse(`${text}T00:00:00.000Z`)
  return Number.isNaN(at) || day(at) !== text ? null : at
}
