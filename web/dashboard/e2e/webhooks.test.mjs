// An endpoint from the form to a delivery that is replayed, against a receiver of this test's own.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after } from 'node:test'
import { ask } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

const received = []
const receiver = createServer(async (request, response) => {
  const chunks = await request.toArray()
  received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
  response.writeHead(204).end()
})
receiver.listen(0, '127.0.0.1')
await once(receiver, 'listening')
after(() => receiver.close())
const address = `http://127.0.0.1:${receiver.address().port}/hooks`

test('an endpoint is made, tested and its delivery replayed', {}, async ({ page }) => {
  await page.goto('/webhooks')
  await page.getByText('No webhook endpoints yet').waitFor()
  await page.getByRole('button', { name: 'New endpoint' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Address').fill(address)
  await dialog.getByRole('checkbox', { name: 'session.started' }).check()
  await dialog.getByLabel('Description').fill('The receiver of a test')
  await checkAccessibility(page, 'the form of an endpoint')
  await dialog.getByRole('button', { name: 'Create endpoint' }).click()

  await page.getByRole('dialog', { name: 'Endpoint created' }).waitFor()
  const secret = await dialog.getByTestId('secret').textContent()
  assert.match(secret, /^whsec_/)
  await page.keyboard.press('Escape') // must not lose it
  await checkAccessibility(page, 'the secret of an endpoint')
  await dialog.getByRole('button', { name: 'I have copied it' }).click()
  await page.getByText(secret).waitFor({ state: 'detached' })
  await page.reload()
  await page.getByRole('link', { name: address }).click()
  await page.getByRole('heading', { level: 1, name: 'Webhook endpoint' }).waitFor()
  await page.getByText('session.started, session.ended').waitFor()
  assert.ok(!(await page.content()).includes(secret), 'the secret is shown again')

  await page.getByRole('button', { name: 'Send test' }).click()
  const row = page.getByRole('table', { name: 'Delivery log' }).getByRole('row').nth(1)
  await row.getByText('Delivered', { exact: true }).waitFor()
  await row.getByText(/^204, \d+ ms$|^204, \d+\.\d s$/).waitFor()
  assert.equal(received.length, 1)
  verify(received[0], secret)

  await row.getByRole('button', { name: /^Replay: / }).click()
  await row.getByText('2 tries').waitFor()
  assert.equal(received.length, 2)
  assert.equal(received[1].headers['webhook-id'], received[0].headers['webhook-id'])
  await row.getByText('2 tries').click()
  await page.getByRole('dialog').getByText(/^204, /).nth(1).waitFor()
  await checkAccessibility(page, 'the tries of a delivery')
})

test('an address that must not be one is refused beside its field', {}, async ({ page }) => {
  await page.goto('/webhooks')
  await page.getByRole('button', { name: 'New endpoint' }).first().click()
  const field = page.getByRole('dialog').getByLabel('Address')
  await field.fill('http://192.168.1.1/hooks')
  await page.getByRole('button', { name: 'Create endpoint' }).click()
  await page.getByRole('dialog').locator('[aria-label="Address"][aria-invalid="true"], input[type="url"][aria-invalid="true"]').waitFor()
  const { viewer } = await ask('{ viewer { account { webhookEndpoints { nodes { url } } } } }')
  assert.deepEqual(viewer.account.webhookEndpoints.nodes.map(({ url }) => url), [address])
})

/** As docs/webhooks.md has receivers do it. */
function verify({ headers, body }, secret) {
  const mac = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
  const expected = mac.update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64')
  assert.ok(headers['webhook-signature'].split(' ').includes(`v1,${expected}`), `${headers['webhook-signature']} is not v1,${expected}`)
}
