import type { VariablesOf } from '../graph/graphql'
import type { At } from '../ui/Pager'
import type { AvatarsQuery } from './documents'

/** Which avatars are listed. */
export const shows = ['usable', 'archived', 'all'] as const
export type Show = (typeof shows)[number]

export interface Address {
  name: string
  show: Show
  at: At
}

/** How many cards a page has: full rows of two and of three. */
export const pageSize = 24

/** Reads an address; what it does not know stays out. */
export function fromSearch(search: string): Address {
  const params = new URLSearchParams(search)
  const show = shows.find((known) => known === params.get('show')) ?? 'usable'
  const [after, before] = [params.get('after'), params.get('before')]
  return { name: params.get('name') ?? '', show, at: after ? { after } : before ? { before } : {} }
}

/** The path of a list, without what goes without saying. */
export function toPath({ name, show, at }: Address): string {
  const params = new URLSearchParams()
  if (name) params.set('name', name)
  if (show !== 'usable') params.set('show', show)
  if (at.after) params.set('after', at.after)
  if (at.before) params.set('before', at.before)
  const search = params.toString()
  return search ? `/avatars?${search}` : '/avatars'
}

export function toVariables({ name, show, at }: Address): VariablesOf<typeof AvatarsQuery> {
  const page = at.before ? { last: pageSize, before: at.before } : { first: pageSize, ...(at.after && { after: at.after }) }
  return { ...page, filter: { ...(name && { nameContains: name }), ...(show !== 'all' && { archived: show === 'archived' }) } }
}
