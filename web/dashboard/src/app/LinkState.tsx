import { Group } from '@mantine/core'
import { useLink } from '../graph/live'
import { Status } from '../ui/Status'

/** Whether what is shown is live. Said aloud when it changes, never in between. */
export function LinkState() {
  const link = useLink()
  return (
    <Group role="status" aria-live="polite" gap={0} fz="sm" c="dimmed">
      {link === 'live' && <Status colour="good">Live</Status>}
      {link === 'connecting' && <Status colour="done">Connecting</Status>}
      {link === 'reconnecting' && <Status colour="busy">Reconnecting</Status>}
    </Group>
  )
}
