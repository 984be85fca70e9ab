import { useState } from 'react'
import { useClient, type AnyVariables, type CombinedError, type TypedDocumentNode } from 'urql'
import type { UserError } from './Refusals'

type Payload = { userErrors: UserError[] }

/** A mutation behind a button or a form. */
export interface Action<P, V> {
  busy: boolean
  /** The request failed as a whole: for `ErrorNotice`. */
  error?: CombinedError
  /** What the payload refused: for `Refusals`. */
  refusals: UserError[]
  /** Null when it was not done; why is then in `error` or `refusals`. */
  run: (variables: V) => Promise<P | null>
  clear: () => void
}

/** Runs a mutation with one root field, and sorts its outcome. */
export function useAction<D extends Record<string, Payload>, V extends AnyVariables>(
  document: TypedDocumentNode<D, V>,
): Action<D[keyof D], V> {
  const client = useClient()
  const [state, setState] = useState<{ busy: boolean; error?: CombinedError; refusals: UserError[] }>(idle)
  const run = async (variables: V) => {
    setState({ busy: true, refusals: [] })
    const { data, error } = await client.mutation(document, variables).toPromise()
    const payload = data ? (Object.values(data).find((v) => typeof v === 'object') as D[keyof D] | undefined) : undefined
    const refusals = payload?.userErrors ?? []
    setState({ busy: false, error, refusals })
    return payload && !error && refusals.length === 0 ? payload : null
  }
  return { ...state, run, clear: () => setState(idle) }
}

const idle = { busy: false, refusals: [] }
