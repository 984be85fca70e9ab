import { Group, Paper, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../graph/graphql'
import { useFeed } from '../graph/useFeed'
import { useReload } from '../graph/useReload'
import { ActiveFeed, SessionCounts } from './documents'

const Places = graphql(`
  query Places { viewer { account { id concurrency { current max available } } } }
`)

/** How much is going on right now, whatever the list is narrowed to. */
export function Counts() {
  const [counts, execute] = useQuery({ query: SessionCounts })
  const reload = useReload(() => execute({ requestPolicy: 'network-only' }), counts.fetching || counts.stale)
  const [places] = useQuery({ query: Places }) // the shell keeps it live
  useFeed(ActiveFeed, {}, reload.soon)
  const concurrency = places.data?.viewer.account?.concurrency
  return (
    <Group gap="sm" mb="lg" align="stretch" role="group" aria-label="Right now">
      <Count label="Started">{counts.data?.running.totalCount}</Count>
      <Count label="Created">{counts.data?.waiting.totalCount}</Count>
      <Count label="Places taken">
        {concurrency && (
          <>
            {concurrency.current}
            <Text span c="dimmed" fz="md">
              {concurrency.max === null ? ', no limit' : ` of ${concurrency.max}`}
            </Text>
          </>
        )}
      </Count>
    </Group>
  )
}

function Count({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Paper withBorder px={{ base: 'sm', xs: 'md' }} py="xs" miw={{ base: 76, xs: 96 }} style={{ flex: '0 1 auto' }}>
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz="xl" fw={650} lh={1.3}>
        {children ?? '–'}
      </Text>
    </Paper>
  )
}
