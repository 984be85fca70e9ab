/** What the API reports of one day. */
export interface UsageDay {
  /** The day's first instant. */
  day: string
  sessions: number
  seconds: number
}

/** One bar: a day or, in long ranges, seven days from the first one on. */
export interface Bar {
  label: string
  sessions: number
  minutes: number
}

/** More bars than this cannot be told apart on a phone, nor their labels read. */
const most = 62

/** Whether a range is shown by weeks. */
export function byWeek(days: number): boolean {
  return days > most
}

export function toBars(days: UsageDay[]): Bar[] {
  const width = byWeek(days.length) ? 7 : 1
  const bars: Bar[] = []
  for (let first = 0; first < days.length; first += width) {
    const group = days.slice(first, first + width)
    const sum = (of: 'sessions' | 'seconds') => group.reduce((total, each) => total + each[of], 0)
    bars.push({ label: span(group), sessions: sum('sessions'), minutes: tenths(sum('seconds')) })
  }
  return bars
}

function span(group: UsageDay[]): string {
  const [first, last] = [group[0], group.at(-1)]
  if (!first || !last) return ''
  return first === last ? dayLabel(first.day) : `${dayLabel(first.day)} – ${dayLabel(last.day)}`
}

/** `Nov 22`: the calendar day in UTC, whatever the browser's zone. */
export function dayLabel(day: string): string {
  return new Date(day).toLocaleDateString('en', { month: 'short', day: 'numeric', timeZone: 'UTC' })
}

/** Seconds as minutes, to a tenth. */
export function tenths(seconds: number): number {
  return Math.round(seconds / 6) / 10
}

/** The same for people: `1,234.5`. Sums are made of seconds, so rounded parts may not add up to the tenth. */
export function minutes(seconds: number): string {
  return tenths(seconds).toLocaleString('en', { maximumFractionDigits: 1 })
}

/** What of a limit is used, 0 to 100; null when there is no limit. A limit of nothing is used up. */
export function percent(used: number, limit: number | null): number | null {
  if (limit === null) return null
  return limit <= 0 ? 100 : Math.min(100, Math.max(0, (used / limit) * 100))
}
