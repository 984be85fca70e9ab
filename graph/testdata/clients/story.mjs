// What every client must be able to do, in its own way.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { until, within } from './server.mjs'

export const documents = {
  who: `query Who {
    viewer { kind account { id name plan { key maxConcurrentSessions } } session { id } }
    avatars(first: 1) { edges { cursor node { id name sessions(first: 1) { pageInfo { hasNextPage endCursor } totalCount } } } nodes { id } }
  }`,
  create: `mutation Create($input: CreateSessionInput!) {
    createSession(input: $input) {
      session { id revision status endUserId metadata dailyRoom { url } } accessToken
      account { id concurrency { current } } userErrors { code message field }
    }
  }`,
  start: `mutation Start($id: ID!) {
    startSession(input: { id: $id }) { session { id revision status avatarState } wsUri userErrors { code message retryAfter } }
  }`,
  end: `mutation End($id: ID!) {
    endSession(input: { id: $id }) { session { id revision status endReason } account { id concurrency { current } } userErrors { code } }
  }`,
  updated: `subscription Updated($id: ID!) {
    sessionUpdated(id: $id) { id revision status avatarState endReason avatar { id name } }
  }`,
  changes: `subscription Changes($filter: SessionFilter) {
    sessionChanges(filter: $filter) {
      reset changed { id revision status } entered { cursor node { id revision status endUserId } } leftIds
    }
  }`,
  account: `subscription Places {
    accountUpdated { id concurrency { current max available holders { id } } usage { usedSeconds } }
  }`,
  // One that the schema refuses.
  invalid: `subscription Invalid { sessionUpdated(id: "x") { id nosuchfield } }`,
}

export const unknownSession = 'sess_01ARZ3NDEKTSV4RRFFQ69G5FAV'

// story runs the tests with a client: query, mutate and subscribe take a document and its
// variables and give the data, subscribe an iterator of it; what goes wrong is thrown.
export function story(client) {
  test('a query reads what is nested', async () => {
    const { viewer, avatars } = await within(client.query(documents.who), 'the answer to a query')
    assert.equal(viewer.kind, 'API_KEY')
    assert.equal(viewer.session, null)
    assert.ok(viewer.account.plan.maxConcurrentSessions > 0)
    const [{ cursor, node }] = avatars.edges
    assert.ok(cursor && node.name)
    assert.equal(avatars.nodes[0].id, node.id)
    assert.equal(typeof node.sessions.pageInfo.hasNextPage, 'boolean')
  })

  test('a session is followed through its life', async (t) => {
    const { id } = await create(t, client)
    const states = client.subscribe(documents.updated, { id })
    const seen = (await until(states, 'the present state', () => true)).map((m) => m.sessionUpdated)
    assert.deepEqual([seen[0].id, seen[0].status, seen[0].avatarState], [id, 'CREATED', 'WAITING'])

    await start(client, id)
    seen.push(...(await until(states, 'STARTED', (m) => m.sessionUpdated.status === 'STARTED')).map((m) => m.sessionUpdated))
    assert.equal(seen.at(-1).avatarState, 'READY')

    await end(client, id)
    seen.push(...(await until(states, 'ENDED', (m) => m.sessionUpdated.status === 'ENDED')).map((m) => m.sessionUpdated))
    assert.deepEqual([seen.at(-1).avatarState, seen.at(-1).endReason], ['GONE', 'CLIENT_ENDED'])
    const last = await within(states.next(), 'the end of the subscription')
    assert.deepEqual([last.done, last.value], [true, undefined])

    const order = ['CREATED', 'STARTED', 'ENDED']
    for (const [i, { id: of, revision, status, avatar }] of seen.entries()) {
      assert.equal(of, id)
      assert.ok(avatar.name)
      if (i === 0) continue
      assert.ok(revision > seen[i - 1].revision, `revisions ${seen.map((s) => s.revision)}`)
      assert.ok(order.indexOf(status) >= order.indexOf(seen[i - 1].status), `states ${seen.map((s) => s.status)}`)
    }
  })

  test('an ended session is told once', async (t) => {
    const { id } = await create(t, client)
    await end(client, id)
    const states = client.subscribe(documents.updated, { id })
    const { value } = await within(states.next(), 'the present state')
    assert.equal(value.sessionUpdated.status, 'ENDED')
    assert.equal((await within(states.next(), 'the end of the subscription')).done, true)
  })

  test('a filtered list is kept true', async (t) => {
    const endUserId = randomUUID()
    const changes = client.subscribe(documents.changes, { filter: { endUserId: [endUserId], status: ['CREATED', 'STARTED'] } })
    const first = await within(changes.next(), 'the first message')
    assert.deepEqual(plain(first.value.sessionChanges), { reset: true, changed: [], entered: [], leftIds: [] })

    await create(t, client) // somebody else's: filtered away
    const mine = await create(t, client, { endUserId })
    const came = (await until(changes, 'the session enters', (m) => m.sessionChanges.entered.length > 0)).map((m) => m.sessionChanges)
    const [{ cursor, node }] = came.at(-1).entered
    assert.ok(cursor)
    assert.deepEqual([node.id, node.endUserId], [mine.id, endUserId])

    await end(client, mine.id)
    const went = (await until(changes, 'the session leaves', (m) => m.sessionChanges.leftIds.length > 0)).map((m) => m.sessionChanges)
    assert.deepEqual(plain(went.at(-1).leftIds), [mine.id])
    for (const message of [...came, ...went]) {
      assert.equal(message.reset, false)
      assert.ok(message.changed.length > 0)
      assert.deepEqual([...new Set(message.changed.map((s) => s.id))], [mine.id])
    }
    assert.equal(went.at(-1).changed[0].status, 'ENDED')
    await changes.return()
  })

  // Other tests use the same account meanwhile, so a place is known by who holds it.
  test('the account tells its places', async (t) => {
    const accounts = client.subscribe(documents.account)
    const holds = (id, wanted) => (message) => {
      const { current, max, available, holders } = message.accountUpdated.concurrency
      assert.equal(available, max - current)
      return current === holders.length && holders.some((s) => s.id === id) === wanted
    }
    await within(accounts.next(), 'the present')
    const { id } = await create(t, client)
    await until(accounts, 'a place is taken', holds(id, true))
    await end(client, id)
    await until(accounts, 'the place is free again', holds(id, false))
    await accounts.return()
  })
}

// create makes a session for a test, which gives its place back in the end.
export async function create(t, client, input = {}) {
  const { avatars } = await within(client.query(documents.who), 'the avatars')
  const { createSession } = await within(
    client.mutate(documents.create, { input: { avatarId: avatars.nodes[0].id, ...input } }),
    'createSession',
  )
  assert.deepEqual(plain(createSession.userErrors), [])
  assert.equal(createSession.session.status, 'CREATED')
  assert.ok(createSession.accessToken)
  t.after(() => end(client, createSession.session.id)) // idempotent
  return { ...createSession.session, accessToken: createSession.accessToken }
}

// start asks again while the server says that asking again may help.
export async function start(client, id) {
  for (const deadline = Date.now() + 60_000; ; ) {
    const { startSession } = await within(client.mutate(documents.start, { id }), 'startSession')
    const [refused] = startSession.userErrors
    if (!refused) {
      assert.equal(startSession.session.status, 'STARTED')
      assert.match(startSession.wsUri, new RegExp(`^ws.*/v1/sessions/${id}/stream$`))
      return
    }
    assert.ok(refused.retryAfter && Date.now() < deadline, `startSession was answered ${JSON.stringify(startSession)}`)
    await pause(refused.retryAfter * 1000)
  }
}

export async function end(client, id) {
  const { endSession } = await within(client.mutate(documents.end, { id }), 'endSession')
  assert.deepEqual(plain(endSession.userErrors), [])
  assert.deepEqual([endSession.session.status, endSession.session.endReason], ['ENDED', 'CLIENT_ENDED'])
}

// plain drops what a client adds for its cache.
export const plain = (value) => JSON.parse(JSON.stringify(value, (key, v) => (key === '__typename' ? undefined : v)))

// driver brings graphql-ws and graphql-sse into the story's form: both iterate over results.
export function driver(client) {
  const subscribe = async function* (query, variables) {
    for await (const { data, errors } of client.iterate({ query, variables })) {
      if (errors) throw errors
      yield data
    }
  }
  const ask = async (query, variables) => {
    const results = subscribe(query, variables)
    const { value } = await results.next()
    assert.equal((await results.next()).done, true) // one result, and complete
    return value
  }
  return { query: ask, mutate: ask, subscribe }
}

// withCode checks what a driver throws: the list of errors as it came.
export const withCode = (code) => (errors) => {
  assert.ok(Array.isArray(errors), `not a list of errors: ${errors}`)
  assert.deepEqual(errors.map((e) => e.extensions?.code), Array(errors.length || 1).fill(code))
  return true
}
