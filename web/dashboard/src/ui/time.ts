/** `1:02:03` or `2:03`; never below zero. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** `2 h 3 min`, `3 min 20 s` or `20 s`: two units say enough. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const parts = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const
  const from = parts.findIndex(([n]) => n > 0)
  if (from < 0) return '0 s'
  return parts
    .slice(from, from + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ')
}

/** `just now`, `5 min ago`, `in 2 h`, and from a week on the date. */
export function relative(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000)
  const size = Math.abs(seconds)
  if (size < 10) return 'just now'
  if (size >= 7 * 86400) return new Date(at).toLocaleDateString('en', { dateStyle: 'medium' })
  const [unit, name] = size < 60 ? [1, 's'] : size < 3600 ? [60, 'min'] : size < 86400 ? [3600, 'h'] : [86400, 'd']
  const count = `${Math.floor(size / unit)} ${name}`
  return seconds > 0 ? `${count} ago` : `in ${count}`
}

/** The exact instant, in this browser's zone, which it names. */
export function exact(at: string): string {
  return new Date(at).toLocaleString('en', {
    year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
    hour12: false, timeZoneName: 'short',
  })
}
