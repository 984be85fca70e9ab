import { useEffect, useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { useFeed } from '../graph/useFeed'
import { useReload } from '../graph/useReload'
import type { At } from '../ui/Pager'
import { isFirst, type SessionPage } from './changes'
import { SessionChangesFeed, SessionsQuery } from './documents'
import { toFilter, toPage, toSearch, type Filters } from './filters'

/**
 * One page of the list, kept true by the feed. The cache applies each change, see graph/cache.ts;
 * here is decided when that is not enough and the page is read again.
 */
export function useSessions(filters: Filters, at: At) {
  const key = toSearch(filters, at)
  // The address names the list: as long as it is the same, so are these.
  const { filter, page } = useMemo(() => ({ filter: toFilter(filters), page: toPage(at) }), [key])
  const [result, execute] = useQuery({ query: SessionsQuery, variables: { ...page, filter } })
  const [unseen, setUnseen] = useState(0)
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set())
  const again = useReload(() => execute({ requestPolicy: 'network-only' }), result.fetching || result.stale)

  useEffect(() => {
    setUnseen(0)
    setFresh(new Set())
  }, [key])

  useFeed(SessionChangesFeed, { filter }, ({ sessionChanges: { reset, entered, leftIds } }) => {
    // A page that is on its way may have been read before this change, and would undo it.
    if (reset || again.underWay()) again.soon()
    if (isFirst(page)) setFresh((old) => new Set([...old, ...entered.map((e) => e.node.id)]))
    else setUnseen((n) => n + entered.length)
    // What left has made room for rows that this page has never seen.
    if (leftIds.length > 0) again.soon()
  })

  const shown = result.data?.sessions as SessionPage | undefined
  return { page: shown, error: result.error, loading: result.fetching, unseen, fresh, reload: again.now }
}
