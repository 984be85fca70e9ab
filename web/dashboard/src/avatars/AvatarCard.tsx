import { Anchor, Badge, Button, Card, Group, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { useConfirm } from '../ui/confirm'
import { CopyableId } from '../ui/Copyable'
import { Picture } from '../ui/Picture'
import { Time } from '../ui/Time'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { useFailureToast } from '../ui/useFailureToast'
import { AvatarForm } from './AvatarForm'
import { ArchiveAvatar, type AvatarFacts } from './documents'

export function AvatarCard({ avatar }: { avatar: AvatarFacts }) {
  const [editing, setEditing] = useState(false)
  return (
    <Card component="li" withBorder p="md" data-id={avatar.id}>
      <Group wrap="nowrap" align="flex-start">
        <Picture url={avatar.url} name={avatar.name} size={88} />
        <Stack gap={4} style={{ minWidth: 0, flex: 1 }}>
          <Title order={2} fz="md" className="anywhere" lineClamp={3} title={avatar.name}>
            {avatar.name}
          </Title>
          <Text size="sm" c="dimmed" component="div">
            <CopyableId id={avatar.id} />
          </Text>
          <Text size="sm" c="dimmed">
            Created <Time at={avatar.createdAt} />
          </Text>
          {avatar.archivedAt && (
            <Text size="sm" component="div">
              <Badge variant="default" tt="none" fw={500}>
                Archived
              </Badge>{' '}
              <Text span c="dimmed" size="sm">
                <Time at={avatar.archivedAt} />
              </Text>
            </Text>
          )}
        </Stack>
      </Group>
      <Group gap="xs" mt="auto" pt="sm" justify="space-between">
        <Anchor component={Link} href={`/sessions?avatar=${encodeURIComponent(avatar.id)}`} size="sm" aria-label={`Sessions with ${avatar.name}`}>
          Sessions
        </Anchor>
        <Group gap="xs">
          {!avatar.archivedAt && <Archive avatar={avatar} />}
          <Button size="xs" variant="default" onClick={() => setEditing(true)} aria-label={`Edit ${avatar.name}`}>
            Edit
          </Button>
        </Group>
      </Group>
      <AvatarForm avatar={avatar} opened={editing} onClose={() => setEditing(false)} />
    </Card>
  )
}

function Archive({ avatar }: { avatar: AvatarFacts }) {
  const confirm = useConfirm()
  const archive = useAction(ArchiveAvatar)
  useFailureToast(archive)

  async function press() {
    const yes = await confirm({
      title: 'Archive this avatar?',
      body: `No new session can use “${avatar.name}”. Running ones go on. There is no way back.`,
      action: 'Archive avatar',
      danger: true,
    })
    if (yes && (await archive.run({ input: { id: avatar.id } }))) toast.done('Avatar archived')
  }
  return (
    <Button size="xs" variant="subtle" color="gray" c="dimmed" loading={archive.busy} onClick={() => void press()} aria-label={`Archive ${avatar.name}`}>
      Archive
    </Button>
  )
}
