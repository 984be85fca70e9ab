import { Anchor, Button, Text } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { DataTable, type Column } from '../ui/DataTable'
import { Empty } from '../ui/Empty'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Status } from '../ui/Status'
import { Time } from '../ui/Time'
import { EndpointsQuery, type EndpointFacts } from './documents'
import { EndpointForm } from './EndpointForm'
import { endpointState, eventName } from './words'

const columns: Column<EndpointFacts>[] = [
  {
    key: 'url',
    label: 'Endpoint',
    lead: true,
    render: (endpoint) => (
      <>
        <Anchor component={Link} href={`/webhooks/${endpoint.id}`} className="anywhere" size="sm" fw={500}>
          {endpoint.url}
        </Anchor>
        {endpoint.description && (
          <Text size="sm" c="dimmed" className="anywhere">
            {endpoint.description}
          </Text>
        )}
      </>
    ),
  },
  {
    key: 'events',
    label: 'Events',
    render: (endpoint) => (
      <Text span size="sm">
        {endpoint.eventTypes.map(eventName).join(', ')}
      </Text>
    ),
  },
  {
    key: 'state',
    label: 'State',
    render: (endpoint) => {
      const [colour, word] = endpointState(endpoint)
      const since = endpoint.disabledAt ?? endpoint.failingSince
      return (
        <Status colour={colour}>
          {word} {since && <Time at={since} />}
        </Status>
      )
    },
  },
  { key: 'created', label: 'Created', render: (endpoint) => <Time at={endpoint.createdAt} /> },
]

/** Where the account is told of its sessions. */
export function Endpoints() {
  const [creating, setCreating] = useState(false)
  const create = <Button onClick={() => setCreating(true)}>New endpoint</Button>
  return (
    <Page title="Webhooks" intro="Addresses of yours that are told what happens to your sessions." actions={create}>
      <EndpointList create={create} />
      <EndpointForm opened={creating} onClose={() => setCreating(false)} />
    </Page>
  )
}

function EndpointList({ create }: { create: ReactNode }) {
  const [{ data, error }, reload] = useQuery({ query: EndpointsQuery })
  const notice = error && <ErrorNotice error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
  const endpoints = data?.viewer.account?.webhookEndpoints.nodes
  if (!endpoints) return notice || <Loading />
  if (endpoints.length === 0) {
    return (
      notice || (
        <Empty title="No webhook endpoints yet">
          An endpoint is posted a signed event when a session is created, started, about to expire, or ended.
          <div style={{ marginTop: 'var(--mantine-spacing-md)' }}>{create}</div>
        </Empty>
      )
    )
  }
  return (
    <>
      {notice}
      <DataTable label="Webhook endpoints" columns={columns} rows={endpoints} />
    </>
  )
}
