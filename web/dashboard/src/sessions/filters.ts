import type { VariablesOf } from '../graph/graphql'
import type { At } from '../ui/Pager'
import type { SessionsQuery } from './documents'

export type SessionFilter = NonNullable<VariablesOf<typeof SessionsQuery>['filter']>
export type Status = NonNullable<SessionFilter['status']>[number]
export type EndReason = NonNullable<SessionFilter['endReason']>[number]

/** What the list is narrowed to, as the form has it. Times are UTC as the API wants them. */
export interface Filters {
  status: string[]
  avatar: string[]
  endReason: string[]
  endUserId: string[]
  createdAfter: string
  createdBefore: string
  /** `key=value` each; a value may be JSON, as in `seats=3`. */
  metadata: string[]
}

export const none: Filters = { status: [], avatar: [], endReason: [], endUserId: [], createdAfter: '', createdBefore: '', metadata: [] }

/** How many sessions a page has. */
export const pageSize = 25

const lists = ['status', 'avatar', 'endReason', 'endUserId', 'metadata'] as const
const singles = ['createdAfter', 'createdBefore'] as const

/** Reads an address; what it does not know stays out. */
export function fromSearch(search: string): { filters: Filters; at: At } {
  const params = new URLSearchParams(search)
  const filters: Filters = { ...none }
  for (const name of lists) filters[name] = params.getAll(name).filter(Boolean)
  for (const name of singles) filters[name] = params.get(name) ?? ''
  const after = params.get('after') ?? undefined
  const before = params.get('before') ?? undefined
  return { filters, at: after ? { after } : before ? { before } : {} }
}

/** The address of a list, so that it can be kept and sent to a colleague. */
export function toSearch(filters: Filters, at: At = {}): string {
  const params = new URLSearchParams()
  for (const name of lists) for (const value of filters[name]) params.append(name, value)
  for (const name of singles) if (filters[name]) params.set(name, filters[name])
  if (at.after) params.set('after', at.after)
  if (at.before) params.set('before', at.before)
  return params.toString()
}

/** What the API is asked; conditions that are not set are left out. A wrong value is refused there. */
export function toFilter(f: Filters): SessionFilter {
  return {
    ...(f.status.length && { status: f.status as Status[] }),
    ...(f.avatar.length && { avatarId: f.avatar }),
    ...(f.endReason.length && { endReason: f.endReason as EndReason[] }),
    ...(f.endUserId.length && { endUserId: f.endUserId }),
    ...(f.createdAfter && { createdAfter: f.createdAfter }),
    ...(f.createdBefore && { createdBefore: f.createdBefore }),
    ...(f.metadata.length && { metadata: Object.fromEntries(f.metadata.map(pair)) }),
  }
}

/** Which page the API is asked for. */
export function toPage(at: At) {
  return at.before ? { last: pageSize, before: at.before } : { first: pageSize, ...(at.after && { after: at.after }) }
}

export function isNone(f: Filters): boolean {
  return toSearch(f) === ''
}

/** A condition that is not `key=value` asks for an empty text. */
function pair(condition: string): [string, string | number | boolean] {
  const at = condition.indexOf('=')
  if (at < 0) return [condition.trim(), '']
  return [condition.slice(0, at).trim(), scalar(condition.slice(at + 1).trim())]
}

/** A number, true, false or a text in quotes as JSON has them; anything else is the text itself. */
export function scalar(text: string): string | number | boolean {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'string' || typeof value === 'boolean') return value
    // A number that JavaScript would round is not the one that was typed.
    if (typeof value === 'number' && String(value) === text) return value
  } catch {
    // not JSON
  }
  return text
}

/** For `<input type="datetime-local">`, in this browser's zone. */
export function toLocal(utc: string): string {
  const at = new Date(utc)
  if (Number.isNaN(at.getTime())) return ''
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

/** And back. Empty for what is no time. */
export function toUtc(local: string): string {
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? '' : at.toISOString()
}
