import { Box, Group, Stack, Text } from '@mantine/core'
import { Section } from '../ui/Section'
import { exact } from '../ui/time'
import type { SessionEvent } from './documents'
import { actors, eventTypes, named } from './words'

/** What happened, oldest first; an addition is said aloud. */
export function Timeline({ events }: { events: SessionEvent[] }) {
  return (
    <Section title="Timeline">
      <Stack component="ol" gap="md" p={0} m={0} style={{ listStyle: 'none' }} aria-live="polite" aria-relevant="additions">
        {events.map((event) => (
          <Group component="li" key={event.id} gap="sm" wrap="nowrap" align="flex-start">
            <Box aria-hidden w={9} h={9} mt={7} bg={dots[event.type] ?? 'var(--greenroom-done)'} style={{ borderRadius: '50%', flex: 'none' }} />
            <Box style={{ minWidth: 0, flex: 1 }}>
              <Group justify="space-between" gap="xs">
                <Text size="sm" fw={500}>
                  {named(event.type, eventTypes)}
                </Text>
                <Text component="time" dateTime={event.at} size="sm" c="dimmed" title={exact(event.at)}>
                  {timeOfDay(event.at)}
                </Text>
              </Group>
              <Text size="sm" c="dimmed" className="anywhere">
                {named(event.actor, actors)}
                {event.detail && ` · ${event.detail}`}
              </Text>
            </Box>
          </Group>
        ))}
      </Stack>
    </Section>
  )
}

const dots: Record<string, string> = {
  STARTED: 'var(--greenroom-good)',
  AVATAR_RECOVERED: 'var(--greenroom-good)',
  AVATAR_LOST: 'var(--greenroom-bad)',
  EXPIRING: 'var(--greenroom-busy)',
}

/** To the second; the day is in the title. */
function timeOfDay(at: string): string {
  return new Date(at).toLocaleTimeString('en', { hour12: false })
}
