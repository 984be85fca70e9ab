import { Anchor, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { SessionRow } from '../sessions/documents'
import { status } from '../sessions/words'
import { shortId } from '../ui/Copyable'
import { Section } from '../ui/Section'
import { Status } from '../ui/Status'
import { Time } from '../ui/Time'
import { exact } from '../ui/time'
import { minutes, percent } from './bars'
import type { UsageAccount } from './documents'

/** What of the plan is taken: places now, and minutes this month. */
export function Plan({ account }: { account: UsageAccount }) {
  const { plan, concurrency, usage } = account
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Section title="Sessions at one time">
        <Gauge
          label="Places taken"
          value={concurrency.current.toLocaleString('en')}
          limit={concurrency.max}
          used={concurrency.current}
          unit={concurrency.max === 1 ? 'place' : 'places'}
        >
          {concurrency.available === 0 ? 'All places are taken: a further create is refused.' : 'Every session that is not ended takes a place.'}
        </Gauge>
        <Holders holders={concurrency.holders} current={concurrency.current} />
      </Section>
      <Section title="Minutes this month">
        <Gauge
          label="Minutes used"
          value={minutes(usage.usedSeconds)}
          limit={plan.includedMinutes}
          used={usage.usedSeconds / 60}
          unit="minutes"
        >
          {usage.remainingSeconds === null
            ? `The plan ${plan.name} has no limit.`
            : usage.remainingSeconds === 0
              ? 'All minutes are used up.'
              : `${minutes(usage.remainingSeconds)} minutes are left.`}{' '}
          Counts anew <Time at={usage.periodEnd} />, at the month’s end in UTC (<span title={usage.periodEnd}>{exact(usage.periodEnd)}</span>).
        </Gauge>
      </Section>
    </SimpleGrid>
  )
}

interface GaugeProps {
  label: string
  value: string
  used: number
  limit: number | null
  unit: string
  children: ReactNode
}

/** A number against its limit. */
function Gauge({ label, value, used, limit, unit, children }: GaugeProps) {
  const share = percent(used, limit)
  return (
    <Stack gap="xs">
      <Text role="status" aria-label={label}>
        <Text span fz={28} fw={650} style={{ fontVariantNumeric: 'tabular-nums' }}>
          {value}
        </Text>{' '}
        <Text span c="dimmed">
          {limit === null ? `${unit}, no limit` : `of ${limit.toLocaleString('en')} ${unit}`}
        </Text>
      </Text>
      {share !== null && (
        <Progress.Root size="lg">
          <Progress.Section value={share} aria-label={label} color={share >= 100 ? 'red.8' : share >= 80 ? 'yellow.7' : 'teal.7'} />
        </Progress.Root>
      )}
      <Text size="sm" c="dimmed" component="div">
        {children}
      </Text>
    </Stack>
  )
}

const shown = 8

/** The sessions in the way, oldest first. */
function Holders({ holders, current }: { holders: SessionRow[]; current: number }) {
  if (holders.length === 0) return null
  return (
    <Stack component="ul" gap={6} p={0} m={0} mt="md" style={{ listStyle: 'none' }} aria-label="Sessions that hold the places">
      {holders.slice(0, shown).map((session) => {
        const [colour, word] = status(session.status)
        return (
          <Group component="li" key={session.id} gap="sm" justify="space-between" wrap="nowrap">
            <Anchor component={Link} href={`/sessions/${session.id}`} size="sm" className="anywhere" lineClamp={2} title={session.id}>
              {session.avatar.name}, <span className="mono" style={{ whiteSpace: 'nowrap' }}>{shortId(session.id)}</span>
            </Anchor>
            <Group gap="sm" wrap="nowrap" fz="sm" c="dimmed" style={{ flex: 'none' }}>
              <Status colour={colour}>{word}</Status>
              <Time at={session.startedAt ?? session.createdAt} />
            </Group>
          </Group>
        )
      })}
      {current > shown && (
        <Text component="li" size="sm">
          <Anchor component={Link} href="/sessions?status=CREATED&status=STARTED">
            All {current.toLocaleString('en')} sessions
          </Anchor>
        </Text>
      )}
    </Stack>
  )
}
