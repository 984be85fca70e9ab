import type { Report } from './documents'
import { download, toCsv } from './csv'

/** `2026-11-01-to-2026-11-22`: the last day, not the instant behind it. */
function daysOf({ from, to }: Report): string {
  return `${from.slice(0, 10)}-to-${new Date(Date.parse(to) - 1).toISOString().slice(0, 10)}`
}

/** Whole seconds, so that sums are exact. */
export function downloadDays(report: Report): void {
  const rows = report.days.map(({ day, sessions, seconds }) => [day.slice(0, 10), sessions, seconds])
  download(`usage-by-day-${daysOf(report)}.csv`, toCsv([['day', 'sessions', 'seconds'], ...rows]))
}

export function downloadAvatars(report: Report): void {
  const { avatars, sessions, seconds } = report.otherAvatars
  const rows = report.avatars.map((row) => [row.avatar.id, row.avatar.name, row.sessions, row.seconds])
  const others = avatars > 0 ? [['', `${avatars} others`, sessions, seconds]] : []
  download(`usage-by-avatar-${daysOf(report)}.csv`, toCsv([['avatar_id', 'avatar', 'sessions', 'seconds'], ...rows, ...others]))
}
