import { useState } from 'react'
import { useClient, type CombinedError } from 'urql'
import type { ResultOf } from '../graph/graphql'
import { CreateSession } from './actions'
import type { Input } from './create'

type Payload = ResultOf<typeof CreateSession>['createSession']

interface State {
  busy: boolean
  error?: CombinedError
  payload?: Payload
}

/** Creates a session; a refusal for want of places tells who has them. */
export function useCreate() {
  const client = useClient()
  const [{ busy, error, payload }, setState] = useState<State>({ busy: false })
  const run = async (input: Input & { idempotencyKey: string }): Promise<Payload | null> => {
    setState({ busy: true })
    const { data, error } = await client.mutation(CreateSession, { input }).toPromise()
    setState({ busy: false, error, payload: data?.createSession })
    return !error && data?.createSession.session ? data.createSession : null
  }
  const refusals = payload?.userErrors ?? []
  const full = refusals.some((e) => e.code === 'CONCURRENCY_LIMIT_REACHED')
  return { busy, error, refusals, holders: full ? (payload?.concurrency?.holders ?? []) : [], run }
}
