import { Button, Modal } from '@mantine/core'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useConfirm } from '../ui/confirm'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { DeleteEndpoint, DisableEndpoint, EnableEndpoint, RotateSecret, type EndpointFacts } from './documents'
import { EndpointForm } from './EndpointForm'
import { SecretOnce } from './SecretOnce'
import { useFailureToast } from '../ui/useFailureToast'

/** What can be done with one endpoint. Everything that cannot be taken back is asked for twice. */
export function EndpointActions({ endpoint }: { endpoint: EndpointFacts }) {
  const [editing, setEditing] = useState(false)
  return (
    <>
      <Button variant="default" onClick={() => setEditing(true)}>
        Edit
      </Button>
      <Rotate id={endpoint.id} />
      <Switch endpoint={endpoint} />
      <Delete id={endpoint.id} />
      <EndpointForm endpoint={endpoint} opened={editing} onClose={() => setEditing(false)} />
    </>
  )
}

function Rotate({ id }: { id: string }) {
  const confirm = useConfirm()
  const rotate = useAction(RotateSecret)
  const [made, setMade] = useState<{ secret: string; previousUntil?: string }>()
  const [shown, setShown] = useState(false)
  useFailureToast(rotate)

  async function press() {
    const yes = await confirm({
      title: 'Make a new signing secret?',
      body: 'It is shown once. The old one goes on signing beside it for 24 hours.',
      action: 'Rotate secret',
    })
    const done = yes ? await rotate.run({ input: { id } }) : null
    if (!done?.secret) return
    setMade({ secret: done.secret, previousUntil: done.previousSecretExpiresAt ?? undefined })
    setShown(true)
  }
  return (
    <>
      <Button variant="default" loading={rotate.busy} onClick={() => void press()}>
        Rotate secret
      </Button>
      <Modal
        opened={shown}
        onClose={() => setShown(false)}
        onExitTransitionEnd={() => setMade(undefined)}
        title="New signing secret"
        closeOnClickOutside={false}
        closeOnEscape={false}
        withCloseButton={false}
      >
        {made && <SecretOnce {...made} onClose={() => setShown(false)} />}
      </Modal>
    </>
  )
}

function Switch({ endpoint }: { endpoint: EndpointFacts }) {
  const confirm = useConfirm()
  const disable = useAction(DisableEndpoint)
  const enable = useAction(EnableEndpoint)
  useFailureToast(disable)
  useFailureToast(enable)
  const input = { id: endpoint.id }

  async function off() {
    const yes = await confirm({
      title: 'Disable this endpoint?',
      body: 'It is sent nothing from now on. What falls due meanwhile is given up, and can be replayed later.',
      action: 'Disable',
    })
    if (yes && (await disable.run({ input }))) toast.done('Endpoint disabled')
  }
  async function on() {
    if (await enable.run({ input })) toast.done('Endpoint enabled')
  }
  return endpoint.disabledAt ? (
    <Button loading={enable.busy} onClick={() => void on()}>
      Enable
    </Button>
  ) : (
    <Button variant="default" loading={disable.busy} onClick={() => void off()}>
      Disable
    </Button>
  )
}

function Delete({ id }: { id: string }) {
  const confirm = useConfirm()
  const remove = useAction(DeleteEndpoint)
  const [, navigate] = useLocation()
  useFailureToast(remove)

  async function press() {
    const yes = await confirm({
      title: 'Delete this endpoint?',
      body: 'Its secrets and its delivery log go with it. There is no way back.',
      action: 'Delete endpoint',
      danger: true,
    })
    if (!yes || !(await remove.run({ input: { id } }))) return
    toast.done('Endpoint deleted')
    navigate('/webhooks')
  }
  return (
    <Button variant="default" c="var(--mantine-color-error)" loading={remove.busy} onClick={() => void press()}>
      Delete
    </Button>
  )
}
