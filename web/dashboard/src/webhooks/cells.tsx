import { Anchor, Box, Button, List, Modal, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import { CopyableId, shortId } from '../ui/Copyable'
import type { Column } from '../ui/DataTable'
import { Status } from '../ui/Status'
import { Time } from '../ui/Time'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { useFailureToast } from '../ui/useFailureToast'
import { Replay, type DeliveryFacts, type EndpointFacts } from './documents'
import { deliveryState, eventName, outcome } from './words'

/** The delivery log. A disabled endpoint takes no replay. */
export function columns(endpoint: EndpointFacts): Column<DeliveryFacts>[] {
  return [
    {
      key: 'event',
      label: 'Event',
      lead: true,
      render: (delivery) => (
        <>
          <span className="mono">{eventName(delivery.eventType)}</span>
          <Text size="sm" c="dimmed" component="div">
            <Time at={delivery.createdAt} />
          </Text>
        </>
      ),
    },
    {
      key: 'state',
      label: 'State',
      render: (delivery) => {
        const [colour, word] = deliveryState(delivery)
        return <Status colour={colour}>{word}</Status>
      },
    },
    {
      key: 'session',
      label: 'Session',
      hidden: (delivery) => delivery.sessionId === null,
      render: ({ sessionId }) =>
        sessionId && (
          <Anchor component={Link} href={`/sessions/${sessionId}`} title={sessionId} size="sm" className="mono">
            {shortId(sessionId)}
          </Anchor>
        ),
    },
    { key: 'last', label: 'Last try', hidden: (delivery) => delivery.attempts.length === 0, render: (delivery) => <LastTry delivery={delivery} /> },
    {
      key: 'next',
      label: 'Next try',
      hidden: (delivery) => delivery.nextAttemptAt === null,
      render: ({ nextAttemptAt }) => nextAttemptAt && <Time at={nextAttemptAt} />,
    },
    { key: 'replay', label: 'Action', align: 'right', render: (delivery) => <ReplayButton delivery={delivery} disabled={endpoint.disabledAt !== null} /> },
  ]
}

function LastTry({ delivery }: { delivery: DeliveryFacts }) {
  const [opened, setOpened] = useState(false)
  const { attempts } = delivery
  const last = attempts.at(-1)
  if (!last) return null
  const tries = attempts.length === 1 ? '1 try' : `${attempts.length} tries`
  return (
    <>
      <Text span size="sm" style={{ whiteSpace: 'nowrap' }}>
        {outcome(last)}
      </Text>
      {last.error && (
        <Text size="sm" c="dimmed" className="anywhere" lineClamp={2} title={last.error}>
          {last.error}
        </Text>
      )}
      <div>
        <Anchor component="button" type="button" size="sm" onClick={() => setOpened(true)} aria-label={`${tries} of ${eventName(delivery.eventType)}: details`}>
          {tries}
        </Anchor>
      </div>
      <Modal opened={opened} onClose={() => setOpened(false)} title={`Tries of ${eventName(delivery.eventType)}`} closeButtonProps={{ 'aria-label': 'Close' }}>
        <Tries delivery={delivery} />
      </Modal>
    </>
  )
}

function Tries({ delivery }: { delivery: DeliveryFacts }) {
  return (
    <>
      <Box fz="sm" c="dimmed" mb="sm">
        Event <CopyableId id={delivery.eventId} label="event id" />, the header <code>webhook-id</code> on every try
      </Box>
      <List type="ordered" size="sm" spacing="sm">
        {delivery.attempts.map((attempt) => (
          <List.Item key={attempt.at}>
            <Status colour={attempt.error ? 'bad' : 'good'}>{outcome(attempt)}</Status>{' '}
            <Text span size="sm" c="dimmed">
              <Time at={attempt.at} />
            </Text>
            {attempt.error && (
              <Text size="sm" className="anywhere">
                {attempt.error}
              </Text>
            )}
          </List.Item>
        ))}
      </List>
    </>
  )
}

function ReplayButton({ delivery, disabled }: { delivery: DeliveryFacts; disabled: boolean }) {
  const replay = useAction(Replay)
  useFailureToast(replay)
  async function press() {
    if (await replay.run({ input: { id: delivery.id } })) toast.done('On its way again')
  }
  const waits = delivery.state === 'PENDING'
  return (
    <Button
      size="xs"
      variant="default"
      loading={replay.busy}
      disabled={disabled || delivery.state === 'SENDING'}
      onClick={() => void press()}
      aria-label={`${waits ? 'Try now' : 'Replay'}: ${eventName(delivery.eventType)} ${delivery.id}`}
    >
      {waits ? 'Try now' : 'Replay'}
    </Button>
  )
}
