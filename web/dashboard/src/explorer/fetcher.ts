// One operation to the server: queries and mutations by fetch, subscriptions by WebSocket, both at
// this page's own origin.
import type { Fetcher, FetcherParams } from '@graphiql/toolkit'
import { type ExecutionResult, getOperationAST } from 'graphql'
import { type Client, createClient } from 'graphql-ws'

/** Who wants to know how an operation goes. */
export interface Reports {
  /** One line for people. */
  status(text: string, wrong: boolean): void
  /** The data of an answer or of a message, whatever came. */
  data(data: unknown): void
  /** The server does not take the key. */
  refused(): void
}

export const introspection = 'IntrospectionQuery'

/** Sends with the given key; without one, operations go out bare and are refused. */
export function createFetcher(key: string, tell: Reports): Fetcher {
  return (params, options) => {
    const headers: Record<string, string> = {}
    if (key) headers.authorization = `Bearer ${key}`
    for (const [name, value] of Object.entries(options?.headers ?? {})) headers[name.toLowerCase()] = String(value)
    const operation = options?.documentAST && getOperationAST(options.documentAST, params.operationName)
    return operation?.operation === 'subscription' ? watch(params, headers, tell) : post(params, headers, tell)
  }
}

function stopwatch(): () => string {
  const began = performance.now()
  return () => `${((performance.now() - began) / 1000).toFixed(2)} s`
}

function take(result: ExecutionResult, tell: Reports): void {
  tell.data(result.data)
  if (result.errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED')) tell.refused()
}

async function post(params: FetcherParams, headers: Record<string, string>, tell: Reports): Promise<ExecutionResult> {
  const quiet = params.operationName === introspection // GraphiQL's own, nothing a reader asked for
  const elapsed = stopwatch()
  if (!quiet) tell.status('Running …', false)
  try {
    const answer = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...headers,
      },
      body: JSON.stringify(params),
      credentials: 'omit',
    }).catch(() => {
      throw new Error('The server cannot be reached.')
    })
    const result = (await answer.json().catch(() => {
      throw new Error(`The answer, with the status ${answer.status}, is not JSON.`)
    })) as ExecutionResult
    take(result, tell)
    const errors = result.errors?.length ?? 0
    if (!quiet)
      tell.status(`${answer.status}, ${elapsed()}${errors ? `, ${counted(errors, 'error')}` : ''}`, errors > 0)
    return result
  } catch (error) {
    if (!quiet) tell.status(String(error instanceof Error ? error.message : error), true)
    throw error
  }
}

/** A socket of its own for each subscription, so that a change of key reaches the next one. */
function watch(params: FetcherParams, headers: Record<string, string>, tell: Reports): AsyncIterable<ExecutionResult> {
  const client = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: headers,
    retryAttempts: 0, // a lost socket is worth seeing here
  })
  const messages = client.iterate<Record<string, unknown>>({
    query: params.query,
    operationName: params.operationName,
    variables: params.variables as Record<string, unknown> | undefined,
  })
  const elapsed = stopwatch()
  let count = 0
  tell.status('Listening …', false)
  const iterator: AsyncIterableIterator<ExecutionResult, undefined> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      try {
        const step = await messages.next()
        if (step.done) {
          tell.status(`Complete after ${counted(count, 'message')} and ${elapsed()}`, false)
          void dispose(client)
          return { done: true, value: undefined }
        }
        count += 1
        const result = step.value as ExecutionResult
        take(result, tell)
        tell.status(`Message ${count} after ${elapsed()}: still listening`, false)
        return { done: false, value: result }
      } catch (cause) {
        const error = explain(cause, tell)
        tell.status(error.message, true)
        void dispose(client)
        throw error
      }
    },
    async return() {
      await messages.return?.()
      void dispose(client)
      tell.status(`Stopped after ${counted(count, 'message')} and ${elapsed()}`, false)
      return { done: true, value: undefined }
    },
  }
  return iterator
}

/** A refused subscription comes as GraphQL errors, a refused or lost socket as its close. */
function explain(cause: unknown, tell: Reports): Error {
  if (Array.isArray(cause)) {
    const errors = cause as NonNullable<ExecutionResult['errors']>
    take({ errors }, tell)
    return new Error(errors.map(({ message }) => message).join('\n'))
  }
  if (cause instanceof CloseEvent) {
    if (cause.code === 4403 || cause.code === 4401) tell.refused()
    return new Error(`The socket was closed: ${cause.code} ${cause.reason || 'without a reason'}`)
  }
  return cause instanceof Error ? cause : new Error('The server cannot be reached.')
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** The socket may have been refused meanwhile, which its subscription has said already. */
async function dispose(client: Client): Promise<void> {
  try {
    await client.dispose()
  } catch {
    // closed already
  }
}
