// Draws docs/pictures: each page in light, in dark and on a phone. `make pictures` runs it on a
// server that has some past; any other development server does, such as one at its usual address:
// GREENROOM_URL=http://127.0.0.1:8080 GREENROOM_KEY=gr_test_dev PICTURES=/tmp node pictures.mjs
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after } from 'node:test'
import { ask, createSession, startSession } from './api.mjs'
import { test } from './harness.mjs'

const folder = process.env.PICTURES ?? 'pictures'
await mkdir(folder, { recursive: true })

const kinds = {
  light: { colorScheme: 'light', width: 1280, height: 800 },
  dark: { colorScheme: 'dark', width: 1280, height: 800 },
  phone: { colorScheme: 'light', width: 390, height: 844 },
}

// A receiver that answers, so that there are deliveries to see; of the other one nobody is at home.
const receiver = createServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()))
receiver.listen(0, '127.0.0.1')
await once(receiver, 'listening')
after(() => receiver.close())

let id
test('something to see', {}, async () => {
  const at = `http://127.0.0.1:${receiver.address().port}/greenroom`
  const make = `mutation ($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { userErrors { code message } } }`
  await ask(make, { input: { url: 'http://127.0.0.1:9/staging', eventTypes: ['SESSION_ENDED'], description: 'Staging' } })
  await ask(make, { input: { url: at, eventTypes: ['SESSION_STARTED', 'SESSION_ENDED'], description: 'Billing' } })

  const keys = {}
  for (const name of ['Old laptop', 'Staging', 'Back end']) {
    const { createApiKey } = await ask('mutation ($name: String!) { createApiKey(input: {name: $name}) { apiKey { id } secret userErrors { code message } } }', { name })
    keys[name] = createApiKey
  }
  await ask('mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code message } } }', { id: keys['Old laptop'].apiKey.id })
  await ask('{ viewer { kind } }', {}, keys['Back end'].secret)

  const { avatars } = await ask('{ avatars(last: 2) { nodes { id name } } }')
  const [grace, ada] = avatars.nodes
  for (const [avatar, endUserId, metadata, started, ends] of [
    [grace, 'emeka', { plan: 'team', lesson: 12 }, true, true],
    [ada, 'chen-wei', { plan: 'school', lesson: 3 }, true, true],
    [ada, 'giulia', { plan: 'trial', lesson: 1 }, true, false],
    [grace, 'bjorn', { plan: 'team', lesson: 21 }, true, false],
    [ada, 'fatima', { plan: 'team', lesson: 8 }, false, false],
  ]) {
    const session = await createSession({ avatarId: avatar.id, endUserId, metadata, maxDuration: 1800 })
    if (started) await startSession(session.id)
    if (ends) await ask('mutation ($id: ID!) { endSession(input: {id: $id}) { userErrors { code message } } }', { id: session.id })
  }
})

test('new session', {}, async ({ page }) => {
  await page.goto('/sessions/new')
  await page.getByRole('radio', { name: 'Ada' }).check()
  await page.getByLabel('End user').fill('amara')
  await page.getByLabel('Metadata').fill('{"plan": "team", "lesson": 5}')
  await draw(page, 'new-session')
  await page.getByRole('button', { name: 'Create session' }).click()
  await page.getByRole('button', { name: 'Start session' }).click()
  await page.getByRole('textbox', { name: 'What Ada says' }).waitFor()
  id = new URL(page.url()).pathname.split('/').pop()
})

test('session and room', {}, async ({ page, context }) => {
  await page.goto(`/sessions/${id}`)
  await page.getByRole('button', { name: 'Get a new access token' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'New access token' }).click()
  const said = page.getByRole('textbox', { name: 'What Ada says' })
  await said.waitFor()
  const [room] = await Promise.all([context.waitForEvent('page'), page.getByRole('link', { name: 'Join room' }).click()])
  const name = room.getByLabel('Your name')
  await room.locator('#join:enabled').waitFor()
  if (await name.isVisible()) await name.fill('Amara')
  await room.locator('#join:enabled').click()
  await room.getByRole('heading', { level: 1, name: 'Ada' }).waitFor()

  const say = async (text) => {
    await page.bringToFront()
    await said.fill(text)
    await page.getByRole('button', { name: 'Speak', exact: true }).click()
  }
  const lines = ['Good morning, Amara.', 'Last time we spoke about tides.', 'Shall we go on with the moon, and why it has phases?']
  for (const [i, kind] of Object.keys(kinds).entries()) {
    await say(lines[i])
    await room.bringToFront()
    await room.locator('#caption', { hasText: lines[i] }).waitFor()
    await draw(room, 'room', [kind])
    await room.getByText('Listening').waitFor()
  }
  await page.bringToFront()
  await page.reload() // the token that is shown once is not for pictures
  await say(lines[1])
  await say(lines[2])
  await page.getByRole('list', { name: 'Spoken' }).getByText('Confirmed').nth(1).waitFor()
  await draw(page, 'session')
})

test('webhooks', {}, async ({ page }) => {
  await page.goto('/webhooks')
  await page.getByRole('link', { name: /greenroom$/ }).click()
  await page.getByText('Delivered').nth(4).waitFor()
  await draw(page, 'webhooks')
})

for (const [name, path, ready] of [
  ['sessions', '/sessions', (page) => page.getByText('fatima').first()],
  ['avatars', '/avatars', (page) => page.getByText('Grace').first()],
  ['usage', '/usage?range=30d', (page) => page.locator('.recharts-bar-rectangle path').first()],
  ['keys', '/keys', (page) => page.getByText('Back end')],
]) {
  test(name, {}, async ({ page }) => {
    await page.goto(path)
    await ready(page).waitFor()
    await draw(page, name)
  })
}

for (const kind of Object.keys(kinds)) {
  test(`explorer, ${kind}`, {}, async ({ page }) => {
    await page.setViewportSize(kinds[kind])
    await page.emulateMedia(kinds[kind])
    await page.goto('/playground')
    await page.getByText('Development · API key').waitFor()
    const lines = page.locator('.monaco-editor .view-lines')
    await lines.filter({ hasText: 'WhoAmI' }).waitFor()
    await page.getByLabel('Open a sample').selectOption({ label: '7. List sessions' })
    await lines.filter({ hasText: 'Newest first' }).waitFor()
    await page.getByRole('button', { name: /execute query/i }).click()
    await page.locator('.graphiql-response').getByText('"data"').waitFor()
    await draw(page, 'explorer', [kind])
  })
}

/** Keeps the page as it is in each kind. Nothing moves, and the address is not part of it. */
async function draw(page, name, which = Object.keys(kinds)) {
  for (const kind of which) {
    const { colorScheme, width, height } = kinds[kind]
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height })
    await page.waitForFunction(() => [...document.images].every((image) => image.complete))
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
    await page.screenshot({ path: join(folder, `${name}-${kind}.png`), caret: 'hide', animations: 'disabled' })
  }
}
