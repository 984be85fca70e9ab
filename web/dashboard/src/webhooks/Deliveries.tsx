import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useQuery } from 'urql'
import { serverNow } from '../graph/clock'
import { DataTable } from '../ui/DataTable'
import { Empty } from '../ui/Empty'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Pager, type At } from '../ui/Pager'
import { Section } from '../ui/Section'
import { toast } from '../ui/toast'
import { useAction } from '../ui/useAction'
import { useFailureToast } from '../ui/useFailureToast'
import { useWhileVisible } from '../ui/useWhileVisible'
import { columns } from './cells'
import { DeliveriesQuery, SendTest, type EndpointFacts } from './documents'
import { refreshEvery } from './words'

const pageSize = 20

/** What an endpoint was told of, newest first. Read again by itself, for no push tells of deliveries. */
export function Deliveries({ endpoint }: { endpoint: EndpointFacts }) {
  const [at, setAt] = useState<At>({})
  const page = at.before ? { last: pageSize, before: at.before } : { first: pageSize, after: at.after }
  const [{ data, error, fetching }, execute] = useQuery({ query: DeliveriesQuery, variables: { id: endpoint.id, ...page } })
  const reload = () => execute({ requestPolicy: 'network-only' })
  const log = data?.node?.__typename === 'WebhookEndpoint' ? data.node.deliveries : undefined
  const every = refreshEvery(log?.nodes ?? [], serverNow())
  useWhileVisible(every, reload)

  return (
    <Section
      title="Deliveries"
      actions={
        <Group gap="sm">
          <Button size="xs" variant="default" onClick={reload} loading={fetching && log === undefined}>
            Refresh
          </Button>
          <TestButton endpoint={endpoint} onSent={reload} />
        </Group>
      }
    >
      {error && <ErrorNotice error={error} onRetry={reload} />}
      {!log ? (
        !error && <Loading lines={3} />
      ) : log.nodes.length === 0 ? (
        <Empty title="Nothing was sent yet">Send a test, or wait for the first session.</Empty>
      ) : (
        <>
          <DataTable label="Delivery log" columns={columns(endpoint)} rows={log.nodes} />
          <Pager page={log.pageInfo} onMove={setAt}>
            {log.totalCount === 1 ? '1 delivery' : `${log.totalCount.toLocaleString('en')} deliveries`}
          </Pager>
        </>
      )}
      <Text size="sm" c="dimmed" mt="sm">
        {every < 10_000 ? 'Something is on its way: this log is read again every 3 seconds.' : 'This log is read again every 30 seconds.'} Deliveries are
        kept for 30 days.
      </Text>
    </Section>
  )
}

function TestButton({ endpoint, onSent }: { endpoint: EndpointFacts; onSent: () => void }) {
  const test = useAction(SendTest)
  useFailureToast(test)
  async function press() {
    if (!(await test.run({ input: { id: endpoint.id } }))) return
    toast.done('Test on its way')
    onSent()
  }
  return (
    <Button size="xs" loading={test.busy} disabled={endpoint.disabledAt !== null} onClick={() => void press()}>
      Send test
    </Button>
  )
}
