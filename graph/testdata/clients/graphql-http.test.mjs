// The audits of "GraphQL over HTTP", by the people who wrote its specification.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverAudits } from 'graphql-http'
import { httpURL, signedIn, within } from './server.mjs'

// Signed in: some of the audits ask the schema about itself.
const audits = serverAudits({ url: httpURL, fetchFn: signedIn })

test('the audits are all here', () => {
  assert.equal(audits.length, 61)
})

for (const { id, name, fn } of audits) {
  test(`${id} ${name}`, async () => {
    // Anything but ok fails: a notice about a MAY and a warning about a SHOULD too.
    const { status, reason, response } = await within(fn(), 'the audit ends')
    assert.equal(status, 'ok', `${reason}: ${response?.status} ${await response?.clone().text().catch(() => '(read already)')}`)
  })
}
