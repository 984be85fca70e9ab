// What one tab does, others show without being asked to.
import { ask, createSession, endSession, startSession } from './api.mjs'
import { test } from './harness.mjs'

test('a second tab follows a session from its beginning to its end', {}, async ({ page, context }) => {
  const second = await context.newPage()
  for (const tab of [page, second]) {
    await tab.goto('/sessions')
    await tab.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
    await tab.waitForLoadState('networkidle')
  }
  const { id } = await createSession({ endUserId: 'somebody' })
  const rows = [page, second].map((tab) => tab.getByRole('row').filter({ has: tab.locator(`[href="/sessions/${id}"]`) }))
  for (const row of rows) await row.getByText('Created', { exact: true }).waitFor()
  await startSession(id)
  for (const row of rows) await row.getByText('Started', { exact: true }).waitFor()

  await second.goto(`/sessions/${id}`)
  await second.getByText('Ready', { exact: true }).waitFor()
  await ask('mutation ($id: ID!) { updateSessionMetadata(input: {id: $id, metadata: {mood: "sunny"}}) { userErrors { code message } } }', { id })
  await second.getByText('Metadata updated').waitFor()
  await endSession(id)
  await rows[0].getByText('Ended', { exact: true }).waitFor()
  await second.getByText('Ended by a client').first().waitFor()
})
