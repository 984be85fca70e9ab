import { Button, Checkbox, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Refusals, refusalOf } from '../ui/Refusals'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { CreateEndpoint, UpdateEndpoint, type EndpointFacts } from './documents'
import { SecretOnce } from './SecretOnce'
import { eventHints, eventName, eventTypes, inOrder } from './words'

interface Props {
  endpoint?: EndpointFacts
  opened: boolean
  onClose: () => void
}

/** Makes an endpoint and shows its secret once or, with one given, changes it. */
export function EndpointForm({ endpoint, opened, onClose }: Props) {
  const [secret, setSecret] = useState<string>()
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => setSecret(undefined)}
      title={secret ? 'Endpoint created' : endpoint ? 'Edit endpoint' : 'New endpoint'}
      // A slip of the mouse must not lose what cannot be shown again.
      closeOnClickOutside={!secret}
      closeOnEscape={!secret}
      withCloseButton={!secret}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {secret ? <SecretOnce secret={secret} onClose={onClose} /> : <Fields endpoint={endpoint} onClose={onClose} onSecret={setSecret} />}
    </Modal>
  )
}

function Fields({ endpoint, onClose, onSecret }: Omit<Props, 'opened'> & { onSecret: (secret: string) => void }) {
  const [url, setUrl] = useState(endpoint?.url ?? '')
  const [description, setDescription] = useState(endpoint?.description ?? '')
  const [events, setEvents] = useState<string[]>(endpoint?.eventTypes ?? ['SESSION_ENDED'])
  const [tried, setTried] = useState(false)
  const create = useAction(CreateEndpoint)
  const update = useAction(UpdateEndpoint)
  const action = endpoint ? update : create

  async function save(event: FormEvent) {
    event.preventDefault()
    setTried(true)
    if (!url.trim() || events.length === 0) return
    const fields = { url: url.trim(), eventTypes: inOrder(events), description: description.trim() }
    if (endpoint) {
      if (!(await update.run({ input: { id: endpoint.id, ...fields } }))) return
      toast.done('Endpoint changed')
      onClose()
      return
    }
    const done = await create.run({ input: fields })
    if (done?.secret) onSecret(done.secret)
  }

  return (
    <form onSubmit={(event) => void save(event)} noValidate>
      <Stack>
        <TextInput
          label="Address"
          description="https, on port 443 or 8443. Whoever runs this server may allow more."
          placeholder="https://"
          type="url"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          error={tried && !url.trim() ? 'Enter an address.' : refusalOf(action.refusals, 'url')}
          required
          data-autofocus
        />
        <Checkbox.Group
          label="Events"
          value={events}
          onChange={setEvents}
          error={tried && events.length === 0 ? 'Choose at least one.' : refusalOf(action.refusals, 'eventTypes')}
          required
        >
          <Stack gap="xs" mt="xs">
            {eventTypes.map((type) => (
              <Checkbox key={type} value={type} label={<span className="mono">{eventName(type)}</span>} description={eventHints[type]} />
            ))}
          </Stack>
        </Checkbox.Group>
        <TextInput
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          error={refusalOf(action.refusals, 'description')}
          maxLength={256}
        />
        <Refusals errors={action.refusals} except={['url', 'eventTypes', 'description']} />
        {action.error && <ErrorNotice error={action.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={action.busy}>
            {endpoint ? 'Save' : 'Create endpoint'}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
