import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Refusals, refusalOf } from '../ui/Refusals'
import { Secret } from '../ui/Secret'
import { useAction } from '../ui/useAction'
import { CreateKey } from './documents'

/** Makes a key and shows its secret, once. */
export function CreateKeyForm({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [secret, setSecret] = useState<{ name: string; value: string }>()
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => setSecret(undefined)}
      title={secret ? 'Key created' : 'New API key'}
      // A slip of the mouse must not lose what cannot be shown again.
      closeOnClickOutside={!secret}
      closeOnEscape={!secret}
      withCloseButton={!secret}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {secret ? (
        <Stack>
          <Secret title={`The key “${secret.name}”`} value={secret.value}>
            Copy it now and keep it where secrets are kept: only its hash stays here, so it cannot be shown again.
          </Secret>
          <Group justify="flex-end">
            <Button onClick={onClose}>I have copied it</Button>
          </Group>
        </Stack>
      ) : (
        <Fields onClose={onClose} onCreated={setSecret} />
      )}
    </Modal>
  )
}

interface FieldsProps {
  onClose: () => void
  onCreated: (secret: { name: string; value: string }) => void
}

function Fields({ onClose, onCreated }: FieldsProps) {
  const [name, setName] = useState('')
  const [tried, setTried] = useState(false)
  const create = useAction(CreateKey)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setTried(true)
    if (!name.trim()) return
    const done = await create.run({ input: { name: name.trim() } })
    if (done?.secret) onCreated({ name: done.apiKey?.name ?? name, value: done.secret })
  }

  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack>
        <TextInput
          label="Name"
          description="Which back end or person holds it."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={tried && !name.trim() ? 'Enter a name.' : refusalOf(create.refusals, 'name')}
          maxLength={128}
          required
          data-autofocus
        />
        <Refusals errors={create.refusals} except={['name']} />
        {create.error && <ErrorNotice error={create.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={create.busy}>
            Create key
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
