import { Button, Group, Stack, Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Icon } from '../ui/Icon'
import { Refusals } from '../ui/Refusals'
import { Section } from '../ui/Section'
import { useConfirm } from '../ui/confirm'
import { webUrl } from '../ui/Picture'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { EndSession, StartSession } from './actions'
import type { SessionFacts } from './documents'

/** Opens the private room with its token, in a tab that knows nothing of this one. */
export function JoinLink({ room }: { room: SessionFacts['dailyRoom'] }) {
  const href = room?.token ? joinUrl(room.url, room.token) : undefined
  if (!href) return null
  return (
    <Button component="a" href={href} target="_blank" rel="noopener noreferrer" variant="default" rightSection={<Icon name="out" size={14} />}>
      Join room
    </Button>
  )
}

/** Undefined when the room's address is none of the web. */
export function joinUrl(room: string, token: string): string | undefined {
  const checked = webUrl(room)
  if (!checked) return undefined
  const url = new URL(checked)
  url.searchParams.set('t', token)
  return url.href
}

export function EndButton({ id }: { id: string }) {
  const end = useAction(EndSession)
  const confirm = useConfirm()
  const press = async () => {
    const sure = await confirm({
      title: 'End this session?',
      body: 'Everybody is taken out of the room, and the session cannot be started again.',
      action: 'End session',
      danger: true,
    })
    if (sure && (await end.run({ input: { id } }))) toast.done('The session has ended.')
  }
  // There is no room beside a button for more than a word.
  useEffect(() => {
    if (end.error) toast.failed(end.error)
    else if (end.refusals[0]) toast.failed(new Error(end.refusals[0].message))
  }, [end.error, end.refusals])
  return (
    <Button variant="default" c="var(--mantine-color-error)" onClick={() => void press()} loading={end.busy}>
      End session
    </Button>
  )
}

/** How often "not ready yet" is answered by asking again: the server gives up after two minutes. */
const patience = 8

/** Fetches the avatar. One call waits for 20 seconds; a slower avatar server is asked again. */
export function StartButton({ session }: { session: SessionFacts }) {
  const start = useAction(StartSession)
  const [tries, setTries] = useState(0)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])

  const late = start.refusals.find((r) => r.code === 'AVATAR_NOT_READY')
  useEffect(() => {
    if (!late || tries >= patience) return
    timer.current = setTimeout(() => {
      setTries(tries + 1)
      void start.run({ input: { id: session.id } })
    }, (late.retryAfter ?? 1) * 1000)
  }, [late]) // a new refusal is a new object, and asks once

  const waiting = start.busy || (late !== undefined && tries < patience)
  return (
    <Section title="Start">
      <Stack gap="sm" align="flex-start">
        <Text size="sm" c="dimmed">
          Brings {session.avatar.name} into the room. The time of the session counts from then on.
        </Text>
        <Group gap="sm">
          <Button
            loading={waiting}
            onClick={() => {
              setTries(0)
              void start.run({ input: { id: session.id } })
            }}
          >
            Start session
          </Button>
          {waiting && (
            <Text size="sm" role="status">
              Waiting for the avatar…
            </Text>
          )}
        </Group>
        {start.error && <ErrorNotice error={start.error} onRetry={() => void start.run({ input: { id: session.id } })} />}
        {!waiting && <Refusals errors={start.refusals} />}
      </Stack>
    </Section>
  )
}
