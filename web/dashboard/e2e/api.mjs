// The public API, for what a test needs beforehand or wants to know afterwards.
import assert from 'node:assert/strict'
import { key, url } from './harness.mjs'

/** Runs an operation that must not fail, and gives its data. */
export async function ask(query, variables = {}, credential = key) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${credential}` },
    body: JSON.stringify({ query, variables }),
  })
  const answer = await response.json()
  assert.deepEqual(answer.errors ?? [], [], query)
  for (const field of Object.values(answer.data)) assert.deepEqual(field?.userErrors ?? [], [], query)
  return answer.data
}

/** Makes a session with the account's oldest avatar, and gives it with its access token. */
export async function createSession(input = {}) {
  const { avatars } = await ask('{ avatars(last: 1) { nodes { id } } }')
  const { createSession: made } = await ask(
    `mutation ($input: CreateSessionInput!) {
      createSession(input: $input) { session { id dailyRoom { url token } } accessToken userErrors { code message } }
    }`,
    { input: { avatarId: avatars.nodes[0].id, ...input } },
  )
  return { ...made.session, accessToken: made.accessToken }
}

/** Starts a session; asks again while its avatar is getting ready. */
export async function startSession(id) {
  for (const deadline = Date.now() + 60_000; ; await new Promise((done) => setTimeout(done, 200))) {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({
        query: 'mutation ($id: ID!) { startSession(input: {id: $id}) { wsUri userErrors { code } } }', variables: { id },
      }),
    })
    const { wsUri, userErrors } = (await response.json()).data.startSession
    if (wsUri) return wsUri
    assert.ok(Date.now() < deadline, `still not started: ${JSON.stringify(userErrors)}`)
  }
}

export const endSession = (id) =>
  ask('mutation ($id: ID!) { endSession(input: {id: $id}) { session { status } userErrors { code message } } }', { id })
