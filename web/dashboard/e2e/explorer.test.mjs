import assert from 'node:assert/strict'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

test('the explorer knows the schema and runs an operation', {}, async ({ page }) => {
  await page.goto('/playground')
  await page.getByText('Development · API key').waitFor()
  await page.getByRole('button', { name: /execute query/i }).click()
  await page.locator('.graphiql-response').getByText('"data"').waitFor()
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
