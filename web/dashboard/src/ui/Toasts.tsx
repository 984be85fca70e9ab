import { CloseButton, Group, Paper, Stack, Text } from '@mantine/core'
import { Status } from './Status'
import { dismiss, useToasts } from './toast'

/** The corner where toasts stand. It is always there, or a screen reader would miss the first one. */
export function Toasts() {
  const toasts = useToasts()
  return (
    <Stack role="status" aria-live="polite" aria-label="Notices" gap="xs" pos="fixed" bottom={16} right={16} maw="min(380px, calc(100vw - 32px))" style={{ zIndex: 400 }}>
      {toasts.map((t) => (
        <Paper key={t.id} withBorder shadow="md" p="sm" role={t.failed ? 'alert' : undefined}>
          <Group gap="sm" wrap="nowrap" justify="space-between" align="flex-start">
            <div>
              <Status colour={t.failed ? 'bad' : 'good'}>
                <Text span size="sm" fw={t.title ? 600 : undefined} style={{ whiteSpace: 'normal' }} className="anywhere">
                  {t.title ?? t.text}
                </Text>
              </Status>
              {t.title && (
                <Text size="sm" className="anywhere">
                  {t.text}
                </Text>
              )}
            </div>
            <CloseButton size="sm" aria-label="Dismiss" onClick={() => dismiss(t.id)} />
          </Group>
        </Paper>
      ))}
    </Stack>
  )
}
