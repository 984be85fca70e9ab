import { Anchor, Grid, Group, Stack } from '@mantine/core'
import { useEffect } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { NotFound } from '../app/NotFound'
import { serverNow } from '../graph/clock'
import { useFeed } from '../graph/useFeed'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Copyable } from '../ui/Copyable'
import { Picture } from '../ui/Picture'
import { Secret } from '../ui/Secret'
import { EndButton, JoinLink, StartButton } from './Actions'
import { AccessToken } from './AccessToken'
import { SessionFeed, SessionQuery, type SessionFacts } from './documents'
import { Facts } from './Facts'
import { MetadataEditor } from './MetadataEditor'
import { Speak } from './Speak'
import { Timeline } from './Timeline'
import { markShown, useUnshownToken } from './tokens'

/** One session, live until it has ended. */
export default function Session({ id }: { id: string }) {
  const [{ data, error }, execute] = useQuery({ query: SessionQuery, variables: { id } })
  const reload = () => execute({ requestPolicy: 'network-only' })
  useFeed(SessionFeed, { id }, () => {}) // the cache takes it from here
  useFreshRoomToken(data?.session?.dailyRoom?.tokenExpiresAt, reload)

  if (data?.session) return <View session={data.session} />
  if (data) return <NotFound what="session" />
  return (
    <Page title="Session" intro={<span className="mono anywhere">{id}</span>}>
      {error ? <ErrorNotice error={error} onRetry={reload} /> : <Loading lines={3} height={120} />}
    </Page>
  )
}

function View({ session }: { session: SessionFacts }) {
  const ended = session.status === 'ENDED'
  return (
    <Page
      title={`Session with ${session.avatar.name}`}
      intro={
        <Group gap="sm">
          <Copyable value={session.id} label="session id" />
          <Anchor component={Link} href="/sessions" size="sm">
            All sessions
          </Anchor>
        </Group>
      }
      actions={
        <>
          <Picture url={session.avatar.url} name={session.avatar.name} size={44} />
          {!ended && <JoinLink room={session.dailyRoom} />}
          {!ended && <EndButton id={session.id} />}
        </>
      }
    >
      {!ended && <NewToken id={session.id} />}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack gap="lg">
            {session.status === 'CREATED' && <StartButton session={session} />}
            {session.status === 'STARTED' && <Speak session={session} />}
            <Facts session={session} />
            <MetadataEditor key={session.id} session={session} />
            {!ended && <AccessToken id={session.id} />}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Timeline events={session.events} />
        </Grid.Col>
      </Grid>
    </Page>
  )
}

/** The token that was just made, until one has gone elsewhere. */
function NewToken({ id }: { id: string }) {
  const token = useUnshownToken(id)
  useEffect(() => () => markShown(id), [id])
  if (!token) return null
  return (
    <div style={{ marginBottom: 'var(--mantine-spacing-lg)' }}>
      <Secret title="Access token" value={token}>
        Give it to the browser or phone of the person in this session. Copy it now: it is not shown again.
      </Secret>
    </div>
  )
}

/** How long before the room's token runs out another one is fetched. */
const ahead = 5 * 60_000

/** The join link carries a token that lives for half an hour at most; reading again gives the next. */
function useFreshRoomToken(expiresAt: string | null | undefined, reload: () => void) {
  useEffect(() => {
    if (!expiresAt) return
    // Not at once again when the server has none that lasts longer: the room is about to close.
    const wait = Math.max(60_000, Date.parse(expiresAt) - serverNow() - ahead)
    const timer = setTimeout(reload, wait)
    return () => clearTimeout(timer)
  }, [expiresAt]) // `reload` is another one each time, and does the same
}
