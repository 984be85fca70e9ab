// Relay: its compiler takes the schema as it is, and its runtime keeps a list by what comes in.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify, stripVTControlCharacters } from 'node:util'
import { createClient } from 'graphql-ws'
import relay from 'relay-runtime'
import WebSocket from 'ws'
import { schemaFile } from './schema.mjs'
import { atEnd, headers, httpURL, pulled, signedIn, within, wsURL } from './server.mjs'
import { unknownSession } from './story.mjs'

const require = createRequire(import.meta.url)
const { commitMutation, ConnectionHandler, createOperationDescriptor, Environment, fetchQuery, getSelector, Network } = relay
const { Observable, RecordSource, requestSubscription, Store } = relay

let folder, artifact

before(async () => {
  // The compiler wants everything below one folder, and a schema whose name ends in .graphql.
  folder = await mkdtemp(join(tmpdir(), 'relay-'))
  await cp(new URL('relay', import.meta.url), join(folder, 'src'), { recursive: true })
  await cp(schemaFile, join(folder, 'schema.graphql'))
  await mkdir(join(folder, 'artifacts'))
  const config = { src: 'src', schema: 'schema.graphql', artifactDirectory: 'artifacts', language: 'javascript', eagerEsModules: false }
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(config))
  const compiler = require.resolve('relay-compiler/cli.js')
  await promisify(execFile)(process.execPath, [compiler, '--noWatchman', 'relay.config.json'], { cwd: folder }).catch((error) => {
    throw new Error(`relay-compiler: ${stripVTControlCharacters(error.stdout + error.stderr)}`)
  })
  artifact = (name) => require(join(folder, 'artifacts', `${name}.graphql.js`))
})

after(() => rm(folder, { recursive: true, force: true }))

test('the compiler makes what documents ask for', async () => {
  const made = (await readdir(join(folder, 'artifacts'))).map((file) => file.replace('.graphql.js', ''))
  assert.deepEqual(made.sort(), [
    'SessionsAvatarPaginationQuery', 'SessionsAvatar_avatar', 'SessionsCardRefetchQuery', 'SessionsCard_session',
    'SessionsChangesSubscription', 'SessionsCreateMutation', 'SessionsEndMutation', 'SessionsNodeQuery',
    'SessionsPaginationQuery', 'SessionsQuery', 'SessionsUpdatedSubscription', 'Sessions_query',
  ])
  // A connection's pages and what is read again by `node` are found without a hint.
  assert.deepEqual(artifact('Sessions_query').metadata.refetch.connection.forward, { count: 'count', cursor: 'cursor' })
  assert.deepEqual(artifact('SessionsAvatar_avatar').metadata.refetch.connection.backward, { count: 'count', cursor: 'cursor' })
  assert.equal(artifact('SessionsCard_session').metadata.refetch.identifierInfo.identifierField, 'id')
  for (const page of ['SessionsCardRefetchQuery', 'SessionsAvatarPaginationQuery']) {
    assert.match(artifact(page).params.text, /node\(id: \$id\)/)
  }
})

describe('the runtime', () => {
  test('pages through a connection', async (t) => {
    const app = open()
    const endUserId = randomUUID()
    const filter = { endUserId: [endUserId] }
    const made = []
    while (made.length < 3) made.unshift(await app.create(t, endUserId)) // newest first

    const list = app.show('SessionsQuery', { count: 2, filter })
    await app.fetch('SessionsQuery', { count: 2, filter })
    assert.deepEqual(list().edges.map((e) => e.node.id), made.slice(0, 2))
    assert.deepEqual([list().pageInfo.hasNextPage, list().totalCount], [true, 3])

    await app.fetch('SessionsPaginationQuery', { count: 2, cursor: list().pageInfo.endCursor, filter })
    assert.deepEqual(list().edges.map((e) => e.node.id), made)
    assert.equal(list().pageInfo.hasNextPage, false)
  })

  test('keeps a connection by a subscription alone', async (t) => {
    const app = open()
    const endUserId = randomUUID()
    const filter = { endUserId: [endUserId], status: ['CREATED', 'STARTED'] }
    const old = await app.create(t, endUserId)
    const list = app.show('SessionsQuery', { count: 20, filter })
    const changes = app.subscribe('SessionsChangesSubscription', {
      filter,
      connections: [ConnectionHandler.getConnectionID('client:root', 'Sessions_sessions', { filter })],
    })
    const { value } = await within(changes.next(), 'the reset')
    assert.equal(value.sessionChanges.reset, true)
    await app.fetch('SessionsQuery', { count: 20, filter }) // as `reset` asks
    assert.deepEqual(list().edges.map((e) => e.node.id), [old])

    const elsewhere = open()
    const young = await elsewhere.create(t, endUserId)
    await shows(changes, list, [young, old])
    await elsewhere.end(old)
    await shows(changes, list, [young])
    await elsewhere.end(young)
    await shows(changes, list, [])
    await changes.return()
  })

  test('reads a node again by its id', async (t) => {
    const app = open()
    const id = await app.create(t, randomUUID())
    const { viewer } = await app.fetch('SessionsQuery', { count: 1 })
    const { node } = await app.fetch('SessionsNodeQuery', { id })
    assert.deepEqual([node.__typename, node.id], ['Session', id])
    const account = (await app.fetch('SessionsNodeQuery', { id: viewer.account.id })).node
    assert.deepEqual([account.__typename, account.name], ['Account', viewer.account.name])
    assert.equal((await app.fetch('SessionsNodeQuery', { id: unknownSession })).node, null)

    const states = app.subscribe('SessionsUpdatedSubscription', { id })
    await within(states.next(), 'the present state')
    await app.end(id)
    while (!(await within(states.next(), 'the subscription ends')).done);
    await app.fetch('SessionsCardRefetchQuery', { id })
    const card = app.environment.lookup(getSelector(artifact('SessionsCard_session'), node.session)).data
    assert.equal(card.status, 'ENDED')
  })
})

// shows reads changes until the list has exactly these sessions.
async function shows(changes, list, ids) {
  for (;;) {
    const shown = list().edges.map((e) => e.node.id)
    if (JSON.stringify(shown) === JSON.stringify(ids)) return
    const { done } = await within(changes.next(), `the list is ${ids}, not ${shown}`)
    assert.equal(done, false)
  }
}

// open is a Relay app of its own: a store, and the server behind it.
function open() {
  const socket = createClient({ url: wsURL, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 })
  atEnd(() => socket.dispose())
  const environment = new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(post, ({ text: query, name: operationName }, variables) =>
      Observable.create((sink) => socket.subscribe({ query, operationName, variables }, sink)),
    ),
  })
  const mutate = (name, variables) =>
    new Promise((resolve, reject) => {
      const onCompleted = (data, errors) => (errors ? reject(errors) : resolve(data))
      commitMutation(environment, { mutation: artifact(name), variables, onCompleted, onError: reject })
    })
  const end = async (id) => {
    const { endSession } = await within(mutate('SessionsEndMutation', { id }), 'endSession')
    assert.deepEqual(endSession.userErrors, [])
  }
  return {
    environment,
    end,
    fetch: (name, variables) =>
      within(fetchQuery(environment, artifact(name), variables, { fetchPolicy: 'network-only' }).toPromise(), name),
    subscribe: (name, variables) =>
      pulled(({ next, error, complete }) => {
        const subscription = artifact(name)
        return requestSubscription(environment, { subscription, variables, onNext: next, onError: error, onCompleted: complete }).dispose
      }),
    // show keeps a query's data in the store, and gives how to read its list.
    show: (name, variables) => {
      const operation = createOperationDescriptor(artifact(name), variables)
      atEnd(environment.retain(operation).dispose)
      return () => {
        const { data } = environment.lookup(operation.fragment)
        return environment.lookup(getSelector(artifact('Sessions_query'), data)).data.sessions
      }
    },
    create: async (t, endUserId) => {
      const { data } = await post({ text: '{ avatars(first: 1) { nodes { id } } }' }, {})
      const input = { avatarId: data.avatars.nodes[0].id, endUserId }
      const { createSession } = await within(mutate('SessionsCreateMutation', { input }), 'createSession')
      assert.deepEqual(createSession.userErrors, [])
      t.after(() => end(createSession.session.id)) // idempotent
      return createSession.session.id
    },
  }
}

async function post({ text: query, name: operationName }, variables) {
  const body = JSON.stringify({ query, operationName, variables })
  const response = await signedIn(httpURL, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  return response.json()
}
