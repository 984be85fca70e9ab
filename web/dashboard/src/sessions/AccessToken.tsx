import { Button, Stack, Text } from '@mantine/core'
import { useConfirm } from '../ui/confirm'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Refusals } from '../ui/Refusals'
import { Section } from '../ui/Section'
import { useAction } from '../ui/useAction'
import { RotateToken } from './actions'
import { keepToken } from './tokens'

/** Makes another access token, after a warning: the one in use dies at once. */
export function useNewToken(id: string) {
  const rotate = useAction(RotateToken)
  const confirm = useConfirm()
  const run = async () => {
    const sure = await confirm({
      title: 'Make a new access token?',
      body: 'The one in use stops working at once: a browser or phone that holds it loses its stream and its live updates.',
      action: 'New access token',
      danger: true,
    })
    if (!sure) return
    const payload = await rotate.run({ input: { id } })
    if (payload?.accessToken) keepToken(id, payload.accessToken)
  }
  return { ...rotate, run }
}

export function AccessToken({ id }: { id: string }) {
  const token = useNewToken(id)
  return (
    <Section title="Access token">
      <Stack gap="sm" align="flex-start">
        <Text size="sm" c="dimmed">
          What a browser or phone signs in to this session with. Make a new one if it has leaked, or for another device.
        </Text>
        <Button variant="default" onClick={() => void token.run()} loading={token.busy}>
          New access token
        </Button>
        {token.error && <ErrorNotice error={token.error} />}
        <Refusals errors={token.refusals} />
      </Stack>
    </Section>
  )
}
