// An API key from its name to its end.
import assert from 'node:assert/strict'
import { ask } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test, url } from './harness.mjs'

/** Whether a key opens the account. */
async function opens(secret) {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ query: '{ viewer { kind } }' }),
  })
  return (await answer.json()).data?.viewer.kind === 'API_KEY'
}

test('a key is shown once, works, and is revoked', {}, async ({ page }) => {
  await page.goto('/keys')
  await page.getByText('No API keys yet').waitFor()
  await page.getByRole('button', { name: 'New API key' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Create key' }).click()
  await dialog.getByText('Enter a name.').waitFor()
  await dialog.getByLabel('Name').fill('Billing')
  await dialog.getByRole('button', { name: 'Create key' }).click()

  await page.getByRole('dialog', { name: 'Key created' }).waitFor()
  const secret = await dialog.getByTestId('secret').textContent()
  assert.ok(await opens(secret), 'the key that was shown does not work')
  await checkAccessibility(page, 'the secret of a key')
  await dialog.getByRole('button', { name: 'I have copied it' }).click()
  const row = page.getByRole('row').filter({ hasText: 'Billing' })
  await row.getByText('Active', { exact: true }).waitFor()
  await page.reload()
  await row.getByText('Active', { exact: true }).waitFor()
  assert.ok(!(await page.content()).includes(secret), 'the secret is shown again')
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]))
  assert.ok(!kept.includes(secret), 'the secret is kept')

  const revoke = row.getByRole('button', { name: 'Revoke Billing' })
  await revoke.click()
  await page.getByRole('dialog', { name: 'Revoke this key?' }).getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  assert.ok(await opens(secret), 'a key was revoked without a yes')
  await revoke.click()
  await checkAccessibility(page, 'the question before a key is revoked')
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke key' }).click()
  await row.getByText(/^Revoked/).waitFor()
  await revoke.waitFor({ state: 'detached' })
  assert.ok(!(await opens(secret)), 'a revoked key still works')
  const { viewer } = await ask('{ viewer { account { apiKeys { nodes { name revokedAt } } } } }')
  assert.deepEqual(viewer.account.apiKeys.nodes.map(({ name, revokedAt }) => [name, revokedAt !== null]), [['Billing', true]])
})
