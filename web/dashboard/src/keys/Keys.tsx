import { Button } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useQuery } from 'urql'
import { storedKey } from '../app/credential'
import { DataTable } from '../ui/DataTable'
import { Empty } from '../ui/Empty'
import { ErrorNotice } from '../ui/ErrorNotice'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Pager, type At } from '../ui/Pager'
import { columns } from './cells'
import { CreateKeyForm } from './CreateKeyForm'
import { KeysQuery } from './documents'

const pageSize = 25

/** The account's credentials. Secrets are never here: only who holds which, and since when. */
export default function Keys() {
  const [creating, setCreating] = useState(false)
  const create = <Button onClick={() => setCreating(true)}>New API key</Button>
  return (
    <Page title="API keys" intro="For your back ends and dashboards. Each opens the whole account: never put one into an app." actions={create}>
      <KeyList create={create} />
      <CreateKeyForm opened={creating} onClose={() => setCreating(false)} />
    </Page>
  )
}

function KeyList({ create }: { create: ReactNode }) {
  const [at, setAt] = useState<At>({})
  const variables = at.before ? { last: pageSize, before: at.before } : { first: pageSize, after: at.after }
  const [{ data, error }, reload] = useQuery({ query: KeysQuery, variables })
  const notice = error && <ErrorNotice error={error} onRetry={() => reload({ requestPolicy: 'network-only' })} />
  const keys = data?.viewer.account?.apiKeys
  if (!keys) return notice || <Loading />
  if (keys.nodes.length === 0) {
    return (
      notice || (
        <Empty title="No API keys yet">
          {storedKey() === 'gr_test_dev' && 'You are signed in with the development key, which is not kept and not listed. '}A back end needs a key of its own.
          <div style={{ marginTop: 'var(--mantine-spacing-md)' }}>{create}</div>
        </Empty>
      )
    )
  }
  return (
    <>
      {notice}
      <DataTable label="API keys" columns={columns} rows={keys.nodes} />
      <Pager page={keys.pageInfo} onMove={setAt}>
        {keys.totalCount === 1 ? '1 key' : `${keys.totalCount.toLocaleString('en')} keys`}, revoked ones too
      </Pager>
    </>
  )
}
