// graphql-ws, whose protocol graphql-transport-ws is. Everything goes over the socket.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { atEnd, headers, within, wrongHeaders, wsURL } from './server.mjs'
import { create, documents, driver, end, story, unknownSession, withCode } from './story.mjs'

// connect gives a client whose errors are not hidden by attempts to try again.
function connect(connectionParams, webSocketImpl = WebSocket) {
  const client = createClient({ url: wsURL, webSocketImpl, connectionParams, retryAttempts: 0 })
  atEnd(() => client.dispose())
  return client
}

const greet = (client) => within(driver(client).query('{ viewer { kind } }'), 'an answer')

describe('with connection_init', () => {
  story(driver(connect({ Authorization: headers.authorization })))
})

describe('the key', () => {
  test('is taken as x-api-key', async () => {
    const key = headers.authorization.replace('Bearer ', '')
    assert.equal((await greet(connect({ 'x-api-key': key }))).viewer.kind, 'API_KEY')
  })

  test('is taken from the header of the upgrade', async () => {
    class SignedIn extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols, { headers })
      }
    }
    assert.equal((await greet(connect(undefined, SignedIn))).viewer.kind, 'API_KEY')
  })

  test('that is wrong closes with 4403', async () => {
    await assert.rejects(greet(connect(wrongHeaders)), { code: 4403 })
  })

  test('of nobody closes with 4403 too', async () => {
    await assert.rejects(greet(connect()), { code: 4403 })
  })
})

test('a key that is revoked ends what it had opened, with 4403', async () => {
  const back = driver(connect(headers))
  const { createApiKey } = await back.mutate('mutation { createApiKey(input: { name: "Doomed" }) { apiKey { id } secret } }')
  const doomed = driver(connect({ 'x-api-key': createApiKey.secret })).subscribe(documents.account)
  await within(doomed.next(), 'the present')
  await back.mutate('mutation Revoke($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { revokedAt } } }', { id: createApiKey.apiKey.id })
  // A change of the account may have been on its way.
  const ended = async () => {
    while (!(await doomed.next()).done);
  }
  await assert.rejects(within(ended(), 'the close'), { code: 4403 })
})

test('a ping is answered', async () => {
  const client = createClient({ url: wsURL, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0, lazy: false, keepAlive: 10 })
  atEnd(() => client.dispose())
  // The client itself sends one when it has heard nothing for 10 ms.
  await within(new Promise((resolve) => client.on('pong', (received) => received && resolve())), 'a pong')
})

describe('an access token', () => {
  test('follows its own session only', async (t) => {
    const back = driver(connect(headers))
    const { id, accessToken } = await create(t, back)
    const other = await create(t, back)
    const phone = driver(connect({ Authorization: `Bearer ${accessToken}` }))

    const states = phone.subscribe(documents.updated, { id })
    assert.equal((await within(states.next(), 'the present state')).value.sessionUpdated.id, id)
    await assert.rejects(within(phone.subscribe(documents.updated, { id: other.id }).next(), 'a refusal'), withCode('NOT_FOUND'))
    await assert.rejects(within(phone.subscribe(documents.account).next(), 'a refusal'), withCode('FORBIDDEN'))
    await assert.rejects(within(phone.subscribe(documents.changes).next(), 'a refusal'), withCode('FORBIDDEN'))
    await end(phone, id)
    await within(states.return(), 'the subscription ends')
  })
})

describe('an error', () => {
  const client = connect(headers)

  test('of an unknown session is the list of errors', async () => {
    const states = driver(client).subscribe(documents.updated, { id: unknownSession })
    await assert.rejects(within(states.next(), 'a refusal'), withCode('NOT_FOUND'))
  })

  test('of validation is the list of errors', async () => {
    const states = driver(client).subscribe(documents.invalid)
    await assert.rejects(within(states.next(), 'a refusal'), withCode('GRAPHQL_VALIDATION_FAILED'))
  })

  test('leaves the socket as it is', async () => {
    const shared = connect(headers)
    let closed = 0
    shared.on('closed', () => closed++)
    const lasting = driver(shared).subscribe(documents.account)
    await within(lasting.next(), 'the present')
    await assert.rejects(within(driver(shared).subscribe(documents.invalid).next(), 'a refusal'))
    await assert.rejects(within(driver(shared).subscribe(documents.updated, { id: unknownSession }).next(), 'a refusal'))
    assert.equal((await greet(shared)).viewer.kind, 'API_KEY')
    assert.equal(closed, 0)
    await lasting.return()
  })
})
