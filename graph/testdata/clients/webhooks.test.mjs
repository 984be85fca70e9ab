// Webhooks, received as an account's back end does it: with the library of the specification.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { atEnd, httpURL, pulled, signedIn, within } from './server.mjs'

async function ask(query, variables) {
  const response = await signedIn(httpURL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await within(response.json(), 'an answer')
  assert.equal(errors, undefined)
  const [answer] = Object.values(data)
  assert.deepEqual(answer?.userErrors ?? [], [])
  return answer
}

// receiver is a server of ours and what it is sent, request by request.
async function receiver(status) {
  let next
  const calls = pulled((queue) => {
    next = queue.next
    return () => {}
  })
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    next({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(status()).end()
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  atEnd(() => server.close())
  // call waits for the next request of an event; other tests on the same server have events, too.
  const call = async (what, eventId) => {
    for (;;) {
      const { value } = await within(calls.next(), what)
      if (!eventId || value.headers['webhook-id'] === eventId) return value
    }
  }
  return { url: `http://127.0.0.1:${server.address().port}/hooks`, call }
}

const create = `mutation ($url: String!) {
  createWebhookEndpoint(input: { url: $url, eventTypes: [SESSION_CREATED, SESSION_ENDED] }) { webhookEndpoint { id } secret userErrors { code message } }
}`
const sendTest = `mutation ($id: ID!) { sendTestWebhook(input: { id: $id }) { webhookDelivery { id eventId } userErrors { code message } } }`
const rotate = `mutation ($id: ID!) { rotateWebhookSecret(input: { id: $id }) { secret previousSecretExpiresAt userErrors { code message } } }`
const remove = `mutation ($id: ID!) { deleteWebhookEndpoint(input: { id: $id }) { deletedWebhookEndpointId userErrors { code message } } }`

test('standardwebhooks verifies what is sent, with either secret while they change', async () => {
  let status = 204
  const { url, call } = await receiver(() => status)
  const { webhookEndpoint, secret } = await ask(create, { url })
  atEnd(() => ask(remove, { id: webhookEndpoint.id }))
  const { webhookDelivery } = await ask(sendTest, { id: webhookEndpoint.id })
  const first = await call('a test', webhookDelivery.eventId)
  const event = new Webhook(secret).verify(first.body, first.headers)
  assert.equal(event.type, 'webhook.test')
  assert.equal(event.data.endpoint_id, webhookEndpoint.id)
  assert.throws(() => new Webhook(secret).verify(`${first.body} `, first.headers))

  status = 500
  const failing = (await ask(sendTest, { id: webhookEndpoint.id })).webhookDelivery
  const before = await call('a try that fails', failing.eventId)
  const rotated = await ask(rotate, { id: webhookEndpoint.id })
  status = 204
  const after = await call('the next try, 5 seconds later', failing.eventId)
  assert.throws(() => new Webhook(rotated.secret).verify(before.body, before.headers))
  for (const active of [secret, rotated.secret]) new Webhook(active).verify(after.body, after.headers)
})

test('a session is told of from its room to its end', async () => {
  const { url, call } = await receiver(() => 200)
  const { webhookEndpoint, secret } = await ask(create, { url })
  atEnd(() => ask(remove, { id: webhookEndpoint.id }))
  const { nodes } = await ask('{ avatars(first: 1) { nodes { id } } }')
  const { session } = await ask(
    `mutation ($avatar: ID!) { createSession(input: { avatarId: $avatar, metadata: { a: "é" } }) { session { id } userErrors { code } } }`,
    { avatar: nodes[0].id },
  )
  await ask('mutation ($id: ID!) { endSession(input: { id: $id }) { userErrors { code } } }', { id: session.id })
  // In whatever order.
  const told = {}
  while (Object.keys(told).length < 2) {
    const { headers, body } = await call('an event of the session')
    const event = new Webhook(secret).verify(body, headers)
    if (event.data.session.id === session.id) told[event.type] = event
  }
  assert.deepEqual(Object.keys(told).sort(), ['session.created', 'session.ended'])
  assert.deepEqual(told['session.created'].data.session.metadata, { a: 'é' })
  const ended = told['session.ended'].data.session
  assert.equal(ended.end_reason, 'CLIENT_ENDED')
  assert.equal(ended.duration, 0)
  assert.equal(ended.ended_at, told['session.ended'].timestamp)
})
