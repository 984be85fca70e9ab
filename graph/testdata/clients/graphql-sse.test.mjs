// graphql-sse with a connection for each operation, queries and mutations included.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClient, NetworkError } from 'graphql-sse'
import { atEnd, headers, httpURL, within, wrongHeaders } from './server.mjs'
import { documents, driver, story, unknownSession, withCode } from './story.mjs'

function connect(credentials) {
  const client = createClient({ url: httpURL, headers: credentials, retryAttempts: 0 })
  atEnd(() => client.dispose())
  return driver(client)
}

describe('distinct connections', () => {
  story(connect(headers))
})

describe('an error', () => {
  const client = connect(headers)

  test('of an unknown session is the list of errors', async () => {
    const states = client.subscribe(documents.updated, { id: unknownSession })
    await assert.rejects(within(states.next(), 'a refusal'), withCode('NOT_FOUND'))
  })

  test('of validation is the list of errors', async () => {
    await assert.rejects(within(client.subscribe(documents.invalid).next(), 'a refusal'), withCode('GRAPHQL_VALIDATION_FAILED'))
  })

  test('of a wrong key is a NetworkError with the status', async () => {
    const states = connect(wrongHeaders).subscribe(documents.account)
    await assert.rejects(within(states.next(), 'a refusal'), (error) => {
      assert.ok(error instanceof NetworkError)
      assert.equal(error.response.status, 401)
      return true
    })
  })
})

test('a key that is revoked is told so, and the stream is complete', async () => {
  const back = connect(headers)
  const { createApiKey } = await back.mutate('mutation { createApiKey(input: { name: "Doomed" }) { apiKey { id } secret } }')
  const doomed = connect({ 'x-api-key': createApiKey.secret }).subscribe(documents.account)
  await within(doomed.next(), 'the present')
  await back.mutate('mutation Revoke($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { revokedAt } } }', { id: createApiKey.apiKey.id })
  const ended = async () => {
    while (!(await doomed.next()).done);
  }
  await assert.rejects(within(ended(), 'the end of the stream'), withCode('UNAUTHENTICATED'))
})
