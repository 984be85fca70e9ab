import { Box, SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useNow } from '../graph/clock'
import { Copyable } from '../ui/Copyable'
import { Section } from '../ui/Section'
import { Status } from '../ui/Status'
import { Time } from '../ui/Time'
import { clock, exact, span } from '../ui/time'
import { Duration } from './cells'
import type { SessionFacts } from './documents'
import { avatarState, endReasons, named, status } from './words'

/** What is known of a session, and how long it has left. */
export function Facts({ session: s }: { session: SessionFacts }) {
  const [colour, word] = status(s.status)
  const [avatarColour, avatarWord] = avatarState(s.avatarState)
  return (
    <Section title="Facts">
      <SimpleGrid component="dl" cols={{ base: 2, sm: 3 }} spacing="lg" verticalSpacing="md" m={0}>
        <Fact label="Status">
          <span aria-live="polite">
            <Status colour={colour}>{word}</Status>
          </span>
        </Fact>
        {s.status !== 'ENDED' && (
          <Fact label="Avatar">
            <span aria-live="polite">
              <Status colour={avatarColour}>{avatarWord}</Status>
            </span>
          </Fact>
        )}
        {s.endReason && <Fact label="End reason">{named(s.endReason, endReasons)}</Fact>}
        {s.startBy && (
          <Fact label="Ends unless started in">
            <Countdown to={s.startBy} />
          </Fact>
        )}
        {s.expiration && s.status === 'STARTED' && (
          <Fact label="Time left">
            <Countdown to={s.expiration} />
          </Fact>
        )}
        {s.startedAt && (
          <Fact label={s.endedAt ? 'Duration' : 'Running for'}>
            <Duration session={s} />
          </Fact>
        )}
        <Fact label="Created">
          <Time at={s.createdAt} />
        </Fact>
        {s.startedAt && (
          <Fact label="Started">
            <Time at={s.startedAt} />
          </Fact>
        )}
        {s.endedAt && (
          <Fact label="Ended">
            <Time at={s.endedAt} />
          </Fact>
        )}
        <Fact label="Longest duration">{s.maxDuration === null ? 'No limit' : span(s.maxDuration)}</Fact>
        {s.endUserId && (
          <Fact label="End user">
            <Copyable value={s.endUserId} label="end user" />
          </Fact>
        )}
        {s.dailyRoom && (
          <Fact label="Daily room" wide>
            <Copyable value={s.dailyRoom.name} label="room name" />
          </Fact>
        )}
      </SimpleGrid>
    </Section>
  )
}

function Fact({ label, wide, children }: { label: string; wide?: boolean; children: ReactNode }) {
  return (
    <Box style={{ minWidth: 0, gridColumn: wide ? '1 / -1' : undefined }}>
      <Text component="dt" size="sm" c="dimmed">
        {label}
      </Text>
      <Box component="dd" m={0} className="anywhere">
        {children}
      </Box>
    </Box>
  )
}

/** Until then by the server's clock. A timer, not a live region: nobody wants to hear every second. */
function Countdown({ to }: { to: string }) {
  const now = useNow()
  const left = (Date.parse(to) - now) / 1000
  return (
    <Text component="span" role="timer" title={exact(to)} c={left < 60 ? 'var(--mantine-color-error)' : undefined} fw={left < 60 ? 600 : undefined}>
      {clock(Math.ceil(left))}
    </Text>
  )
}
