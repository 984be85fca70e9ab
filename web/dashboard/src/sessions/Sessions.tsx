import { Alert, Button, Group, Text } from '@mantine/core'
import { useEffect } from 'react'
import { useQuery } from 'urql'
import { Link, useLocation, useSearch } from 'wouter'
import { graphql } from '../graph/graphql'
import { DataTable } from '../ui/DataTable'
import { Empty } from '../ui/Empty'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Pager, type At } from '../ui/Pager'
import { columns } from './cells'
import { Counts } from './Counts'
import { FilterBar } from './FilterBar'
import { fromSearch, isNone, none, toSearch, type Filters } from './filters'
import { useSessions } from './useSessions'

const AvatarNames = graphql(`query AvatarNames { avatars(first: 100) { nodes { id name } } }`)

/** The live list. What it shows is all in its address. */
export function Sessions() {
  const { filters, at } = fromSearch(useSearch())
  const [, navigate] = useLocation()
  const list = useSessions(filters, at)
  const [avatars] = useQuery({ query: AvatarNames, requestPolicy: 'cache-first' })
  const go = (f: Filters, to: At = {}, replace = false) => {
    const search = toSearch(f, to)
    navigate(search ? `/sessions?${search}` : '/sessions', { replace })
  }

  // Back at the front by "Previous": from here on it is the first page, and takes new rows.
  const atFront = at.before !== undefined && list.page?.pageInfo.hasPreviousPage === false && !list.loading
  useEffect(() => {
    if (atFront) go(filters, {}, true)
  })

  return (
    <Page
      title="Sessions"
      actions={
        <Button component={Link} href="/sessions/new">
          New session
        </Button>
      }
    >
      <Counts />
      <FilterBar filters={filters} avatars={avatars.data?.avatars.nodes ?? []} onChange={(f) => go(f)} />
      <div role="status" aria-live="polite">
        {list.unseen > 0 && (
          <Alert color="teal" variant="light" mb="sm" p="xs">
            <Group gap="sm">
              <Text size="sm">{list.unseen === 1 ? '1 new session' : `${list.unseen} new sessions`}</Text>
              <Button size="compact-sm" variant="default" onClick={() => go(filters)}>
                Show
              </Button>
            </Group>
          </Alert>
        )}
      </div>
      {list.error && <ErrorNotice error={list.error} onRetry={list.reload} />}
      <List
        list={list}
        filters={filters}
        clear={() => go(none)}
        move={(to) => {
          go(filters, to)
          scrollTo(0, 0)
        }}
      />
    </Page>
  )
}

interface ListProps {
  list: ReturnType<typeof useSessions>
  filters: Filters
  clear: () => void
  move: (to: At) => void
}

function List({ list: { page, error, fresh }, filters, clear, move }: ListProps) {
  if (!page) return error ? null : <Loading />
  if (page.edges.length === 0 && page.totalCount === 0) return <Nothing filtered={!isNone(filters)} clear={clear} />
  return (
    <>
      <DataTable label="Sessions" columns={columns} rows={page.edges.map((e) => e.node)} fresh={fresh} />
      <Pager page={page.pageInfo} onMove={move}>
        {page.totalCount === 1 ? '1 session' : `${page.totalCount.toLocaleString('en')} sessions`}
      </Pager>
    </>
  )
}

function Nothing({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  if (filtered) {
    return (
      <Empty title="No session matches">
        <Button variant="default" size="xs" onClick={clear} mt="xs">
          Clear all filters
        </Button>
      </Empty>
    )
  }
  return (
    <Empty title="No sessions yet">
      A session is one conversation with an avatar.
      <div>
        <Button component={Link} href="/sessions/new" mt="md">
          New session
        </Button>
      </div>
    </Empty>
  )
}
