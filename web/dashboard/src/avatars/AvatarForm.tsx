import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Picture } from '../ui/Picture'
import { Refusals, refusalOf } from '../ui/Refusals'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { CreateAvatar, UpdateAvatar, type AvatarFacts } from './documents'

/** Makes an avatar or, with one given, changes it. */
export function AvatarForm({ avatar, opened, onClose }: { avatar?: AvatarFacts; opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={avatar ? 'Edit avatar' : 'New avatar'} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Fields avatar={avatar} onClose={onClose} />
    </Modal>
  )
}

/** Made anew each time the dialog opens, so that it begins with what is. */
function Fields({ avatar, onClose }: { avatar?: AvatarFacts; onClose: () => void }) {
  const [name, setName] = useState(avatar?.name ?? '')
  const [url, setUrl] = useState(avatar?.url ?? '')
  const [tried, setTried] = useState(false)
  const create = useAction(CreateAvatar)
  const update = useAction(UpdateAvatar)
  const action = avatar ? update : create

  async function save(event: FormEvent) {
    event.preventDefault()
    setTried(true)
    if (!name.trim() || !url.trim()) return
    const input = { name: name.trim(), url: url.trim() }
    const done = avatar ? await update.run({ input: { id: avatar.id, ...input } }) : await create.run({ input })
    if (!done) return
    toast.done(avatar ? 'Avatar changed' : 'Avatar created')
    onClose()
  }

  const missing = (value: string, hint: string) => (tried && !value.trim() ? hint : undefined)
  return (
    <form onSubmit={(event) => void save(event)} noValidate>
      <Stack>
        <TextInput
          label="Name"
          description="For people to tell avatars apart by."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={missing(name, 'Enter a name.') ?? refusalOf(action.refusals, 'name')}
          maxLength={128}
          required
          data-autofocus
        />
        <TextInput
          label="Picture"
          description="The https address of a preview image."
          placeholder="https://"
          type="url"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          error={missing(url, 'Enter the address of a picture.') ?? refusalOf(action.refusals, 'url')}
          required
        />
        {url.trim() && <Picture key={url} url={url.trim()} name={name} size={96} />}
        <Refusals errors={action.refusals} except={['name', 'url']} />
        {action.error && <ErrorNotice error={action.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={action.busy}>
            {avatar ? 'Save' : 'Create avatar'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
