export type Metadata = Record<string, unknown>

/** A line for a list: `plan: gold, seats: 3`. */
export function summary(metadata: Metadata, most = 80): string {
  const text = Object.entries(metadata)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
  const letters = [...text]
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text
}

/** What to send so that the old becomes the new: only keys that differ, and null for those that are gone. */
export function patchOf(old: Metadata, next: Metadata): Metadata {
  const patch: [string, unknown][] = []
  for (const [key, value] of Object.entries(next)) {
    if (!Object.hasOwn(old, key) || !equal(old[key], value)) patch.push([key, value])
  }
  for (const key of Object.keys(old)) if (!Object.hasOwn(next, key)) patch.push([key, null])
  return Object.fromEntries(patch)
}

/** JSON equality: the order of keys says nothing. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [x, y] = [a as Metadata, b as Metadata]
  const keys = Object.keys(x)
  return keys.length === Object.keys(y).length && keys.every((k) => Object.hasOwn(y, k) && equal(x[k], y[k]))
}

/** At most so many bytes are stored. */
const most = 16 * 1024

/** Reads the editor's text; an error says what is wrong in words for the person who typed it. */
export function parse(text: string): { value: Metadata } | { error: string } {
  if (text.trim() === '') return { value: {} }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    return { error: `This is not JSON: ${where(text, cause)}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { error: 'Metadata is a JSON object, such as {"plan": "gold"}.' }
  if (new TextEncoder().encode(JSON.stringify(value)).length > most) return { error: 'Metadata may have 16 kB at most.' }
  return { value: Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null)) }
}

/** Browsers say where in different ways; a line and a column are what an editor shows. */
function where(text: string, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  const position = /position (\d+)/.exec(message)?.[1]
  if (position === undefined) return 'a bracket, a quote or a comma is missing.'
  const before = text.slice(0, Number(position)).split('\n')
  return `look at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}.`
}

/** What is wrong with what somebody types; undefined when nothing is. */
export function problem(text: string): string | undefined {
  const parsed = parse(text)
  return 'error' in parsed ? parsed.error : undefined
}
