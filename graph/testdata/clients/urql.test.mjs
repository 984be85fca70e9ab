// urql's core, under its bindings for every framework.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cacheExchange, Client, CombinedError, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-ws'
import { pipe, toObservable } from 'wonka'
import WebSocket from 'ws'
import { atEnd, headers, httpURL, pulled, within, wrongHeaders, wsURL } from './server.mjs'
import { documents, story, unknownSession } from './story.mjs'

const common = { url: httpURL, requestPolicy: 'network-only' }

// bySocket sends subscriptions over a WebSocket, everything else by HTTP.
function bySocket(credentials) {
  const socket = createClient({ url: wsURL, webSocketImpl: WebSocket, connectionParams: credentials, retryAttempts: 0 })
  atEnd(() => socket.dispose())
  const forward = subscriptionExchange({
    forwardSubscription: ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
    }),
  })
  return driver(new Client({ ...common, exchanges: [cacheExchange, fetchExchange, forward], fetchOptions: { headers: credentials } }))
}

// byStream sends subscriptions by HTTP too, answered by server-sent events.
const byStream = (credentials) =>
  driver(new Client({ ...common, exchanges: [cacheExchange, fetchExchange], fetchSubscriptions: true, fetchOptions: { headers: credentials } }))

// driver brings a client into the story's form.
function driver(client) {
  const result = async (source) => {
    const { data, error } = await source.toPromise()
    if (error) throw error
    return data
  }
  return {
    query: (query, variables) => result(client.query(query, variables)),
    mutate: (mutation, variables) => result(client.mutation(mutation, variables)),
    subscribe: async function* (query, variables) {
      const results = pipe(client.subscription(query, variables), toObservable)
      const read = pulled((observer) => {
        const subscription = results.subscribe(observer)
        return () => subscription.unsubscribe()
      })
      for await (const { data, error, hasNext } of read) {
        if (error) throw error
        if (!hasNext) return // urql tells the last one again, to say that it was the last
        yield data
      }
    },
  }
}

const transports = { 'by fetchExchange and subscriptionExchange': bySocket, 'by fetchExchange alone': byStream }
for (const [name, connect] of Object.entries(transports)) {
  describe(name, () => {
    const client = connect(headers)
    story(client)

    test('an unknown session is a CombinedError', async () => {
      const states = client.subscribe(documents.updated, { id: unknownSession })
      await assert.rejects(within(states.next(), 'a refusal'), code('NOT_FOUND'))
    })

    test('a document that is not valid is a CombinedError', async () => {
      await assert.rejects(within(client.subscribe(documents.invalid).next(), 'a refusal'), code('GRAPHQL_VALIDATION_FAILED'))
      await assert.rejects(within(client.query('query Invalid { nosuchfield }'), 'a refusal'), code('GRAPHQL_VALIDATION_FAILED'))
    })
  })
}

describe('a wrong key', () => {
  test('is a CombinedError by HTTP', async () => {
    await assert.rejects(within(bySocket(wrongHeaders).query(documents.who), 'a refusal'), code('UNAUTHENTICATED'))
  })

  test('is a CombinedError by server-sent events', async () => {
    await assert.rejects(within(byStream(wrongHeaders).subscribe(documents.account).next(), 'a refusal'), code('UNAUTHENTICATED'))
  })

  test('is the network error of a CombinedError by WebSocket', async () => {
    await assert.rejects(within(bySocket(wrongHeaders).subscribe(documents.account).next(), 'a refusal'), (error) => {
      assert.ok(error instanceof CombinedError)
      assert.equal(error.networkError.code, 4403)
      return true
    })
  })
})

function code(wanted) {
  return (error) => {
    assert.ok(error instanceof CombinedError, `not a CombinedError: ${error}`)
    assert.deepEqual(error.graphQLErrors.map((e) => e.extensions?.code), Array(error.graphQLErrors.length || 1).fill(wanted))
    return true
  }
}
