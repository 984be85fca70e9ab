import { Anchor, Group, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { CopyableId } from '../ui/Copyable'
import { Empty } from '../ui/Empty'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Section } from '../ui/Section'
import { Status } from '../ui/Status'
import { Time } from '../ui/Time'
import { Deliveries } from './Deliveries'
import { EndpointQuery, type EndpointFacts } from './documents'
import { EndpointActions } from './EndpointActions'
import { disabledBecause, endpointState, eventName } from './words'

/** One endpoint: what it is told of, how it does, and what it was sent. */
export function Endpoint({ id }: { id: string }) {
  const [{ data, error }, reload] = useQuery({ query: EndpointQuery, variables: { id } })
  const endpoint = data?.node?.__typename === 'WebhookEndpoint' ? data.node : null
  if (endpoint) {
    return (
      <Page title="Webhook endpoint" intro={<Anchor component={Link} href="/webhooks">All endpoints</Anchor>} actions={<EndpointActions endpoint={endpoint} />}>
        <Stack gap="lg">
          <Facts endpoint={endpoint} />
          <Deliveries endpoint={endpoint} />
        </Stack>
      </Page>
    )
  }
  return (
    <Page title="Webhook endpoint">
      {error ? (
        <ErrorNotice error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
      ) : data ? (
        <Empty title="There is no such endpoint">
          It may have been deleted.{' '}
          <Anchor component={Link} href="/webhooks" underline="always">
            All endpoints
          </Anchor>
        </Empty>
      ) : (
        <Loading />
      )}
    </Page>
  )
}

function Facts({ endpoint }: { endpoint: EndpointFacts }) {
  const [colour, word] = endpointState(endpoint)
  return (
    <Section title="Facts">
      <Stack gap="sm">
        <Fact label="Address">
          <span className="anywhere">{endpoint.url}</span>
        </Fact>
        {endpoint.description && (
          <Fact label="Description">
            <span className="anywhere">{endpoint.description}</span>
          </Fact>
        )}
        <Fact label="Events">
          <span className="mono">{endpoint.eventTypes.map(eventName).join(', ')}</span>
        </Fact>
        <Fact label="State">
          <div role="status">
            <Status colour={colour}>{word}</Status>
            <State endpoint={endpoint} />
          </div>
        </Fact>
        <Fact label="Created">
          <Time at={endpoint.createdAt} />
        </Fact>
        <Fact label="Id">
          <CopyableId id={endpoint.id} />
        </Fact>
      </Stack>
    </Section>
  )
}

function State({ endpoint: { disabledAt, disabledReason, failingSince } }: { endpoint: EndpointFacts }) {
  if (disabledAt) {
    return (
      <Text size="sm" c="dimmed">
        Since <Time at={disabledAt} />. {disabledBecause(disabledReason)} What happens meanwhile is not kept for it.
      </Text>
    )
  }
  if (!failingSince) return null
  return (
    <Text size="sm" c="dimmed">
      Since <Time at={failingSince} />. After five days of nothing but failures it is disabled.
    </Text>
  )
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Group gap="sm" align="flex-start" wrap="wrap">
      <Text size="sm" c="dimmed" w={100} style={{ flex: 'none' }}>
        {label}
      </Text>
      <Text size="sm" component="div" style={{ flex: '1 1 12rem', minWidth: 0 }}>
        {children}
      </Text>
    </Group>
  )
}
