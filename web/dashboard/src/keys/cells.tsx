import { Badge, Button, Group, Text } from '@mantine/core'
import { storedKey } from '../app/credential'
import { useConfirm } from '../ui/confirm'
import type { Column } from '../ui/DataTable'
import { Status } from '../ui/Status'
import { Time } from '../ui/Time'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { useFailureToast } from '../ui/useFailureToast'
import { RevokeKey, type KeyFacts } from './documents'
import { isInUse } from './inUse'

export const columns: Column<KeyFacts>[] = [
  {
    key: 'name',
    label: 'Name',
    lead: true,
    render: (key) => (
      <Group gap="xs">
        <Text span size="sm" fw={500} className="anywhere">
          {key.name}
        </Text>
        {isInUse(key, storedKey()) && (
          <Badge variant="light" tt="none" fw={500}>
            This dashboard’s
          </Badge>
        )}
      </Group>
    ),
  },
  { key: 'prefix', label: 'Begins with', render: (key) => <span className="mono anywhere">{key.prefix}…</span> },
  {
    key: 'state',
    label: 'State',
    render: (key) =>
      key.revokedAt ? (
        <Status colour="done">
          Revoked <Time at={key.revokedAt} />
        </Status>
      ) : (
        <Status colour="good">Active</Status>
      ),
  },
  { key: 'used', label: 'Last used', render: (key) => (key.lastUsedAt ? <Time at={key.lastUsedAt} /> : 'Never') },
  { key: 'created', label: 'Created', render: (key) => <Time at={key.createdAt} /> },
  { key: 'revoke', label: 'Action', align: 'right', hidden: (key) => key.revokedAt !== null, render: (key) => !key.revokedAt && <Revoke apiKey={key} /> },
]

function Revoke({ apiKey }: { apiKey: KeyFacts }) {
  const confirm = useConfirm()
  const revoke = useAction(RevokeKey)
  useFailureToast(revoke)

  async function press() {
    const own = isInUse(apiKey, storedKey())
    const yes = await confirm({
      title: own ? 'Revoke the key that you are signed in with?' : 'Revoke this key?',
      body: own ? (
        <>
          <Text fw={600} size="sm" mb="xs">
            This dashboard uses this key. You are signed out at once, and need another key to come back.
          </Text>
          Whatever else uses “{apiKey.name}” stops working too. There is no way back.
        </>
      ) : (
        <>Whatever uses “{apiKey.name}” stops working at once, open subscriptions included. There is no way back.</>
      ),
      action: own ? 'Revoke and sign out' : 'Revoke key',
      danger: true,
    })
    if (yes && (await revoke.run({ input: { id: apiKey.id } }))) toast.done('Key revoked')
  }
  return (
    <Button size="xs" variant="default" loading={revoke.busy} onClick={() => void press()} aria-label={`Revoke ${apiKey.name}`}>
      Revoke
    </Button>
  )
}
