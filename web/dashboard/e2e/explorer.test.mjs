import assert from 'node:assert/strict'
import { createSession, endSession } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

test('the explorer knows the schema and runs an operation', {}, async ({ page }) => {
  await page.goto('/playground')
  await page.getByText('Development · API key').waitFor()
  await page.getByRole('button', { name: /execute query/i }).click()
  await page.locator('.graphiql-response').getByText('"data"').waitFor()
})

test('a subscription of the samples tells the present, and then a change', {}, async ({ page, watch }) => {
  const { id } = await createSession()
  await page.goto('/playground')
  await page.getByText('Development · API key').waitFor()
  const lines = page.locator('.monaco-editor .view-lines')
  await lines.filter({ hasText: 'WhoAmI' }).waitFor()
  await page.getByLabel('Open a sample').selectOption({ label: '6. Watch it' })
  // The newest session's id goes into the variables by itself.
  await lines.filter({ hasText: id.slice(-10) }).waitFor()
  await page.getByRole('button', { name: /execute query/i }).click()
  const answer = page.locator('.graphiql-response')
  await answer.getByText('"CREATED"').first().waitFor()
  await page.getByText(/^Message 1 after/).waitFor()
  await endSession(id)
  await answer.getByText('"CLIENT_ENDED"').waitFor()
  await page.getByText(/^Complete after \d messages/).waitFor()
  assert.ok(watch.sockets.some((socket) => socket.endsWith('/graphql')), watch.sockets.join())
})

test('the explorer is usable by all', {}, async ({ page }) => {
  await page.goto('/playground')
  await page.getByText('Development · API key').waitFor()
  await page.locator('.monaco-editor').first().waitFor()
  // GraphiQL's own: a tab holds its close button, and the editor dims the last line's number.
  await checkAccessibility(page, 'the explorer', { except: ['.graphiql-tabs', '.dimmed-line-number'] })
})

test('the dashboard does not load the editor', {}, async ({ page }) => {
  const asked = []
  page.on('request', (request) => asked.push(request.url()))
  await page.goto('/sessions')
  await page.waitForLoadState('networkidle')
  assert.deepEqual(asked.filter((address) => /monaco|graphiql|charts/i.test(address)), [])
})
