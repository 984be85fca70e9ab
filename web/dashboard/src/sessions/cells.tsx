import { Anchor, Box, Group, Text } from '@mantine/core'
import { Link } from 'wouter'
import { useNow } from '../graph/clock'
import { Copyable, shortId } from '../ui/Copyable'
import type { Column } from '../ui/DataTable'
import { Picture } from '../ui/Picture'
import { Status } from '../ui/Status'
import { Time } from '../ui/Time'
import { clock } from '../ui/time'
import type { SessionRow } from './documents'
import { summary } from './metadata'
import { avatarMatters, avatarState, endReasons, named, status } from './words'

/** Status with what explains it: the avatar's state while that matters, the reason after the end. */
export function StatusCell({ session }: { session: SessionRow }) {
  const [colour, word] = status(session.status)
  const more = avatarMatters(session)
    ? `Avatar ${avatarState(session.avatarState)[1].toLowerCase()}`
    : session.endReason && named(session.endReason, endReasons)
  return (
    <Box>
      <Status colour={session.avatarState === 'LOST' ? 'bad' : session.avatarState === 'CONNECTING' ? 'busy' : colour}>{word}</Status>
      {more && (
        <Text size="xs" c="dimmed">
          {more}
        </Text>
      )}
    </Box>
  )
}

/** Running time by the server's clock, or how long it took. */
export function Duration({ session }: { session: Pick<SessionRow, 'startedAt' | 'endedAt' | 'duration'> }) {
  if (session.startedAt && !session.endedAt) return <Running since={session.startedAt} />
  return <>{session.duration === null ? '–' : clock(session.duration)}</>
}

function Running({ since }: { since: string }) {
  const now = useNow()
  return <>{clock((now - Date.parse(since)) / 1000)}</>
}

export const columns: Column<SessionRow>[] = [
  {
    key: 'avatar',
    label: 'Avatar',
    lead: true,
    render: (s) => (
      <Group gap="sm" wrap="nowrap">
        <Picture url={s.avatar.url} name={s.avatar.name} />
        <Box style={{ minWidth: 0 }}>
          <Anchor component={Link} href={`/sessions/${s.id}`} size="sm" fw={500} c="var(--mantine-color-text)" lineClamp={1} maw={220}>
            {s.avatar.name}
          </Anchor>
          <Text size="xs" c="dimmed" component="div">
            <Copyable value={s.id} label="session id">
              <Anchor component={Link} href={`/sessions/${s.id}`} title={s.id} c="dimmed" inherit>
                {shortId(s.id)}
              </Anchor>
            </Copyable>
          </Text>
        </Box>
      </Group>
    ),
  },
  { key: 'status', label: 'Status', render: (s) => <StatusCell session={s} /> },
  {
    key: 'user',
    label: 'End user',
    hidden: (s) => !s.endUserId,
    render: (s) => (
      <Text size="sm" className="anywhere" lineClamp={1} maw={180} title={s.endUserId ?? undefined}>
        {s.endUserId ?? '–'}
      </Text>
    ),
  },
  {
    key: 'metadata',
    label: 'Metadata',
    hidden: (s) => summary(s.metadata) === '',
    render: (s) => (
      <Text size="sm" className="anywhere" lineClamp={1} maw={260} title={summary(s.metadata, 400)}>
        {summary(s.metadata) || '–'}
      </Text>
    ),
  },
  { key: 'created', label: 'Created', render: (s) => <Time at={s.createdAt} /> },
  { key: 'duration', label: 'Duration', align: 'right', hidden: (s) => s.startedAt === null, render: (s) => <Duration session={s} /> },
]
