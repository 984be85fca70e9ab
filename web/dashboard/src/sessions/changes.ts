import type { SessionRow } from './documents'

export interface SessionPage {
  edges: SessionEdge[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
  totalCount: number
}

export interface SessionEdge {
  cursor: string
  node: SessionRow
}

export interface Changes {
  reset: boolean
  entered?: SessionEdge[]
  leftIds: string[]
}

interface PageOf {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}

/**
 * One page of the list, newest first, after a change. The first page takes what entered on top and
 * stays as long as it is; on others new ones are only counted. What left goes, wherever it was.
 * Rows that changed need nothing: the cache keeps each session once.
 */
export function applyChanges(page: SessionPage, changes: Changes, of: PageOf): SessionPage {
  if (changes.reset) return page // it is being read again
  const shown = new Set(page.edges.map((e) => e.node.id))
  const entered = (changes.entered ?? []).filter((e) => !shown.has(e.node.id))
  const left = new Set(changes.leftIds)
  const totalCount = Math.max(0, page.totalCount + entered.length - left.size)
  const kept = page.edges.filter((e) => !left.has(e.node.id))
  if (!isFirst(of)) return { ...page, ...around(page, kept), totalCount }
  // Ids sort by creation, so newest first is the reverse order of ids.
  const all = [...entered, ...kept].sort((a, b) => (a.node.id < b.node.id ? 1 : -1))
  const size = of.first ?? all.length
  const edges = all.slice(0, size)
  const next = around(page, edges)
  next.pageInfo.hasNextPage ||= all.length > size
  return { ...page, ...next, totalCount }
}

/** Whether nothing comes ahead of this page. */
export function isFirst(of: PageOf): boolean {
  return !!of.first && !of.after
}

/** The cursors of a page that has lost all its rows stay: they still say where it stood. */
function around(page: SessionPage, edges: SessionEdge[]): Pick<SessionPage, 'edges' | 'pageInfo'> {
  const startCursor = edges[0]?.cursor ?? page.pageInfo.startCursor
  const endCursor = edges.at(-1)?.cursor ?? page.pageInfo.endCursor
  return { edges, pageInfo: { ...page.pageInfo, startCursor, endCursor } }
}

/** Whether two filters are the same; a condition that is left out, undefined or null is none. */
export function sameFilter(a: unknown, b: unknown): boolean {
  return canonical(a ?? {}) === canonical(b ?? {})
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return v
    return Object.fromEntries(
      Object.entries(v)
        .filter(([, x]) => x !== null && x !== undefined)
        .sort(([x], [y]) => (x < y ? -1 : 1)),
    )
  })
}
