// Every view when the server does not answer as it should: it says so, and offers to try again.
import { createSession } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

const paths = ['/sessions', '/sessions/sess_01J00000000000000000000000', '/sessions/new', '/avatars', '/usage', '/webhooks', '/keys']
const unavailable = { data: null, errors: [{ message: 'the database does not answer', extensions: { code: 'UNAVAILABLE', retryAfter: 5 } }] }
const internal = { data: null, errors: [{ message: 'internal error', extensions: { code: 'INTERNAL', requestId: 'REQUEST-1' } }] }

for (const [path, answer] of [...paths.map((path) => [path, unavailable]), ['/sessions', internal]]) {
  test(`${path} when the answer is ${answer.errors[0].message}`, {}, async ({ page }) => {
    let broken = true
    await page.route('**/graphql', (route) => (broken ? route.fulfill({ json: answer }) : route.continue()))
    await page.goto(path)
    const retry = page.getByRole('button', { name: 'Try again' }) // one for each part of a view
    await retry.first().waitFor()
    await checkAccessibility(page)
    broken = false
    for (let left = await retry.count(); left > 0; left--) {
      await retry.first().click()
      await page.waitForFunction(
        (most) => [...document.querySelectorAll('button')].filter((b) => b.textContent === 'Try again').length < most, left)
    }
  })
}

test('a server that is away is said to be, and is found again', { expect: [/ERR_|WebSocket|Failed to fetch/] }, async ({ page, context }) => {
  await page.goto('/sessions')
  await page.getByText('No sessions yet').waitFor()
  await context.setOffline(true)
  await page.getByRole('link', { name: 'Avatars' }).click()
  await page.getByRole('button', { name: 'Try again' }).first().waitFor()
  await context.setOffline(false)
  await page.getByRole('button', { name: 'Try again' }).first().click()
  await page.getByText('Ada', { exact: true }).first().waitFor()
})

test('a session that does not exist is said not to', {}, async ({ page }) => {
  await page.goto('/sessions/sess_01J00000000000000000000000')
  await page.getByRole('heading', { level: 1, name: /no such session|not found/i }).waitFor()
})

test('metadata that is not JSON says why, also when one has gone on', {}, async ({ page }) => {
  const { id } = await createSession()
  for (const [path, label, open] of [
    ['/sessions/new', 'Metadata', () => {}],
    [`/sessions/${id}`, 'JSON object', () => page.getByRole('button', { name: 'Edit', exact: true }).click()],
  ]) {
    await page.goto(path)
    await open()
    await page.getByLabel(label).fill('{bad')
    await page.keyboard.press('Tab')
    await page.getByText('This is not JSON').waitFor()
  }
})
