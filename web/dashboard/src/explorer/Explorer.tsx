import type { Fetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { createFetcher, type Reports } from './fetcher'
import { learn, placeholders } from './ids'
import { KeyBar } from './KeyBar'
import { initialKey, keepKey } from './key'
import { samples, variablesOf } from './samples'
import { availableStorage } from './storage'
import { CarryIds, EditorOptions, Samples } from './Story'

const defaultTabs = samples.map((sample) => ({ query: sample.query, variables: variablesOf(sample) }))
const storage = availableStorage()

/** What the editor takes as a value of our own scalars; it would underline an object otherwise. */
const customScalarSchemas = { JSONObject: { type: 'object' }, DateTime: { type: 'string' } }

/** Whose key it is, and ids for the samples to begin with. */
const greeting = `query Greeting {
  viewer { kind account { name webhookEndpoints(first: 1) { nodes { id } } } session { id } }
  avatars(first: 1, filter: { archived: false }) { nodes { id } }
  sessions(first: 1, filter: { status: [CREATED, STARTED] }) { nodes { id } }
}`

interface Greeting {
  data?: { viewer: { kind: string; account: { name: string } | null; session: { id: string } | null } } | null
}

export function Explorer() {
  const [key, setKey] = useState(initialKey)
  const [caller, setCaller] = useState<string | null>(null)
  const [refused, setRefused] = useState(false)
  const [ids, setIds] = useState(placeholders)
  const [status, setStatus] = useState({ text: '', wrong: false })

  const reports = useMemo<Reports>(
    () => ({
      status: (text, wrong) => setStatus({ text, wrong }),
      data: (data) => setIds((known) => learn(known, data)),
      refused: () => setRefused(true),
    }),
    [],
  )
  // A new fetcher makes GraphiQL read the schema again, which another key may see another of.
  const fetcher = useMemo<Fetcher>(() => createFetcher(key, reports), [key, reports])

  useEffect(() => {
    if (!key) return
    let current = true
    const quiet = createFetcher(key, { ...reports, status: () => {} })
    Promise.resolve(quiet({ query: greeting, operationName: 'Greeting' }) as Promise<Greeting>)
      .then(({ data }) => current && data && setCaller(name(data.viewer)))
      .catch(() => {}) // not reachable: the first operation that is run says so
    return () => {
      current = false
    }
  }, [key, reports])

  const give = useCallback((next: string) => {
    keepKey(next)
    setRefused(false)
    setCaller(null)
    setIds(placeholders) // another account's are of no use
    setKey(next || initialKey())
  }, [])

  return (
    <>
      <KeyBar key={key} given={key} caller={caller} refused={refused} onGive={give} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={defaultTabs}
          defaultQuery=""
          defaultEditorToolsVisibility="variables"
          storage={storage}
          showPersistHeadersSettings={false}
          customScalarSchemas={customScalarSchemas}
        >
          <GraphiQL.Logo>
            <Samples />
          </GraphiQL.Logo>
          <GraphiQL.Footer>
            <p role="status" className={status.wrong ? 'answer wrong' : 'answer'}>
              {status.text}
            </p>
          </GraphiQL.Footer>
          <CarryIds ids={ids} />
          <EditorOptions />
        </GraphiQL>
      </main>
    </>
  )
}

function name(viewer: NonNullable<NonNullable<Greeting['data']>['viewer']>): string {
  return viewer.account ? `${viewer.account.name} · API key` : `${viewer.session?.id ?? 'One session'} · access token`
}
