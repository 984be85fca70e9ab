// Apollo Client with its usual links: subscriptions by WebSocket, everything else by HTTP.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { atEnd, headers, httpURL, pulled, until, within, wrongHeaders, wsURL } from './server.mjs'
import { create, documents, end, start, story, unknownSession } from './story.mjs'

// The link takes it from the browser's globals; Node 20 has none.
globalThis.WebSocket ??= WebSocket

function connect(credentials) {
  const socket = createClient({ url: wsURL, connectionParams: credentials, retryAttempts: 0 })
  const client = new ApolloClient({
    cache: new InMemoryCache({ possibleTypes: { Node: ['Session', 'SessionEvent', 'Avatar', 'Account', 'ApiKey'] } }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: httpURL, headers: credentials }),
    ),
  })
  atEnd(() => {
    client.stop()
    return socket.dispose()
  })
  return client
}

// driver brings a client into the story's form.
const driver = (client) => ({
  query: async (query, variables) => (await client.query({ query: gql(query), variables })).data,
  mutate: async (mutation, variables) => (await client.mutate({ mutation: gql(mutation), variables })).data,
  subscribe: async function* (query, variables) {
    const results = client.subscribe({ query: gql(query), variables })
    for await (const { data, error } of pulled((observer) => unsubscriber(results.subscribe(observer)))) {
      if (error) throw error
      yield data
    }
  },
})

const unsubscriber = (subscription) => () => subscription.unsubscribe()

describe('by HttpLink and GraphQLWsLink', () => {
  story(driver(connect(headers)))
})

test('the cache follows a subscription', async (t) => {
  const client = connect(headers)
  const driven = driver(client)
  const { id } = await create(t, driven)
  const page = client.watchQuery({ query: gql`query Page($id: ID!) { session(id: $id) { id status avatarState } }`, variables: { id } })
  const shown = pulled((observer) => unsubscriber(page.subscribe(observer)))
  const shows = (status) => (result) => result.data?.session?.status === status
  await until(shown, 'the page shows CREATED', shows('CREATED'))

  // Changed by somebody else's client: this one learns of it by its subscription alone.
  const states = driven.subscribe(documents.updated, { id })
  await within(states.next(), 'the present state')
  const elsewhere = driver(connect(headers))
  await start(elsewhere, id)
  await until(states, 'STARTED', (m) => m.sessionUpdated.status === 'STARTED')
  await until(shown, 'the page shows STARTED', shows('STARTED'))
  await end(elsewhere, id)
  await until(states, 'ENDED', (m) => m.sessionUpdated.status === 'ENDED')
  await until(shown, 'the page shows ENDED', shows('ENDED'))
  await shown.return()
})

describe('an error', () => {
  const client = connect(headers)
  const driven = driver(client)

  test('of an unknown session is CombinedGraphQLErrors', async () => {
    const states = driven.subscribe(documents.updated, { id: unknownSession })
    await assert.rejects(within(states.next(), 'a refusal'), code('NOT_FOUND'))
  })

  test('of validation is CombinedGraphQLErrors, by WebSocket and by HTTP', async () => {
    await assert.rejects(within(driven.subscribe(documents.invalid).next(), 'a refusal'), code('GRAPHQL_VALIDATION_FAILED'))
    await assert.rejects(within(driven.query('query Invalid { nosuchfield }'), 'a refusal'), code('GRAPHQL_VALIDATION_FAILED'))
  })

  test('of a wrong key is CombinedGraphQLErrors by HTTP and the close code by WebSocket', async () => {
    const nobody = driver(connect(wrongHeaders))
    await assert.rejects(within(nobody.query(documents.who), 'a refusal'), code('UNAUTHENTICATED'))
    await assert.rejects(within(nobody.subscribe(documents.account).next(), 'a refusal'), /Socket closed with event 4403/)
  })
})

function code(wanted) {
  return (error) => {
    assert.ok(CombinedGraphQLErrors.is(error), `not CombinedGraphQLErrors: ${error}`)
    assert.deepEqual(error.errors.map((e) => e.extensions?.code), Array(error.errors.length).fill(wanted))
    return true
  }
}
