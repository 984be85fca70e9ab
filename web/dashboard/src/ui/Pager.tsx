import { Button, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

interface PageInfo {
  hasNextPage: boolean
  hasPreviousPage: boolean
  startCursor: string | null
  endCursor: string | null
}

/** Where to read: the newest, or on one side of a cursor. */
export type At = { after?: string; before?: string }

/** Steps through a keyset list. Pages have no numbers: rows come and go. */
export function Pager({ page, onMove, children }: { page: PageInfo; onMove: (at: At) => void; children?: ReactNode }) {
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = page
  return (
    <Group component="nav" aria-label="Pages" justify="space-between" mt="md">
      <Text size="sm" c="dimmed" component="div">
        {children}
      </Text>
      <Group gap="xs">
        <Button variant="default" size="xs" disabled={!hasPreviousPage} onClick={() => onMove({})}>
          Newest
        </Button>
        <Button variant="default" size="xs" disabled={!hasPreviousPage || !startCursor} onClick={() => onMove({ before: startCursor ?? '' })}>
          Previous
        </Button>
        <Button variant="default" size="xs" disabled={!hasNextPage || !endCursor} onClick={() => onMove({ after: endCursor ?? '' })}>
          Next
        </Button>
      </Group>
    </Group>
  )
}
