import assert from 'node:assert/strict'
import { ask, createSession } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

/** As in production: the server does not hand the page a key. The scripts run after this. */
async function withoutKey(context) {
  await context.addInitScript(() => {
    document.addEventListener('readystatechange', () => {
      document.querySelector('meta[name="greenroom-key"]')?.setAttribute('content', '')
    })
  })
}

// The browser itself writes each refused request into the console.
test('a wrong key is refused, in words', { expect: [/401/] }, async ({ page, context }) => {
  await withoutKey(context)
  await page.goto('/')
  const field = page.getByLabel('API key', { exact: true })
  await field.fill('gr_live_wrongwrongwrongwrongwrongwrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').getByText('refused').waitFor()
  await checkAccessibility(page)
})

test('an access token does not open the dashboard', {}, async ({ page, context }) => {
  const { accessToken } = await createSession()
  await withoutKey(context)
  await page.goto('/')
  await page.getByLabel('API key', { exact: true }).fill(accessToken)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor({ state: 'hidden' })
})

test('a key is kept for the tab and no longer', {}, async ({ page, context }) => {
  const { createApiKey } = await ask('mutation { createApiKey(input: {name: "test"}) { secret userErrors { code message } } }')
  await withoutKey(context)
  await page.goto('/')
  await page.getByLabel('API key', { exact: true }).fill(createApiKey.secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]))
  assert.ok(!kept.includes('gr_live_'), kept)
  const another = await context.newPage()
  await another.goto('/')
  await another.getByRole('button', { name: 'Sign in' }).waitFor()
})

test('a key that is revoked signs out', { expect: [/401|4403|4401/] }, async ({ page, context }) => {
  const { createApiKey: made } = await ask('mutation { createApiKey(input: {name: "short"}) { apiKey { id } secret userErrors { code message } } }')
  await withoutKey(context)
  await page.goto('/')
  await page.getByLabel('API key', { exact: true }).fill(made.secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
  await ask('mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code message } } }', { id: made.apiKey.id })
  await page.getByText('Signed out').waitFor()
})
