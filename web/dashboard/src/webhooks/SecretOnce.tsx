import { Button, Group, Stack, Text } from '@mantine/core'
import { Secret } from '../ui/Secret'
import { exact } from '../ui/time'

/** A signing secret in a dialog; after a rotation with the time until which the old one signs too. */
export function SecretOnce({ secret, previousUntil, onClose }: { secret: string; previousUntil?: string; onClose: () => void }) {
  return (
    <Stack>
      <Secret title="Signing secret" value={secret}>
        Your receiver verifies the signature of each request with it. Copy it now: it is not shown again.
      </Secret>
      {previousUntil && (
        <Text size="sm" c="dimmed">
          Until {exact(previousUntil)} requests are signed with the old secret too, so that nothing is missed while you change over.
        </Text>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose}>I have copied it</Button>
      </Group>
    </Stack>
  )
}
