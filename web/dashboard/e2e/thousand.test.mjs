// A list of 1,000 sessions that lie in the database already: see furnished in browser_test.go.
import assert from 'node:assert/strict'
import { ask } from './api.mjs'
import { test } from './harness.mjs'

const rows = (page) => page.getByRole('table', { name: 'Sessions' }).getByRole('row')
const idsOf = (page) =>
  rows(page).locator('a[href^="/sessions/sess_"]').evaluateAll((links) => [...new Set(links.map((a) => a.pathname.split('/').pop()))])

/** All ids of a list, by the API. */
async function expected(filter) {
  const ids = []
  for (let after; ; ) {
    const { sessions } = await ask(
      'query ($filter: SessionFilter, $after: String) { sessions(first: 100, filter: $filter, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
      { filter, after },
    )
    ids.push(...sessions.nodes.map((node) => node.id))
    if (!sessions.pageInfo.hasNextPage) return ids
    after = sessions.pageInfo.endCursor
  }
}

/** Walks to the last page, and gives the ids in order. */
async function walk(page, seen = []) {
  for (;;) {
    const ids = await idsOf(page)
    seen.push(...ids)
    const next = page.getByRole('button', { name: 'Next', exact: true })
    if (await next.isDisabled()) return seen
    await next.click()
    await page.waitForFunction((old) => !document.querySelector(`table a[href="/sessions/${old}"]`), ids[0])
  }
}

test('paging shows each of 1,000 sessions once, in order', {}, async ({ page }) => {
  await page.goto('/sessions')
  await page.getByText('1,000 sessions').waitFor()
  const all = await expected({})
  assert.equal(all.length, 1000)
  assert.deepEqual(await walk(page), all)
  await page.getByRole('button', { name: 'Previous', exact: true }).click()
  await page.locator(`table a[href="/sessions/${all[950]}"]`).first().waitFor()
  await page.getByRole('button', { name: 'Newest', exact: true }).click()
  await page.locator(`table a[href="/sessions/${all[0]}"]`).first().waitFor()
})

for (const [search, filter, words] of [
  ['endReason=EXPIRED', { endReason: ['EXPIRED'] }, '250 sessions'],
  ['endUserId=person-3', { endUserId: ['person-3'] }, '100 sessions'],
  ['metadata=number%3D500', { metadata: { number: 500 } }, '1 session'],
  ['metadata=even%3Dtrue&endReason=CLIENT_ENDED', { metadata: { even: true }, endReason: ['CLIENT_ENDED'] }, '250 sessions'],
]) {
  test(`an address holds the filter ${search}`, {}, async ({ page }) => {
    await page.goto(`/sessions?${search}`)
    await page.getByText(words, { exact: true }).waitFor()
    assert.deepEqual(await walk(page), await expected(filter))
  })
}

test('a filter that is chosen stands in the address, and goes back with it', {}, async ({ page }) => {
  await page.goto('/sessions')
  await page.getByText('1,000 sessions').waitFor()
  await page.getByRole('button', { name: 'Filters' }).click()
  await page.getByLabel('End user').fill('person-7')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.getByText('100 sessions', { exact: true }).waitFor()
  assert.equal(new URL(page.url()).searchParams.get('endUserId'), 'person-7')
  await page.getByRole('radiogroup', { name: 'Status' }).getByText('Started', { exact: true }).click()
  await page.getByText('No session matches').waitFor()
  await page.goBack()
  await page.getByText('100 sessions', { exact: true }).waitFor()
  await page.goBack()
  await page.getByText('1,000 sessions').waitFor()
})

test('usage adds up to the sessions', {}, async ({ page }) => {
  const { viewer } = await ask(
    `query ($from: DateTime!, $to: DateTime!) { viewer { account { usageReport(from: $from, to: $to) {
      sessions seconds days { seconds } avatars { seconds } } } } }`,
    { from: new Date(Date.now() - 40 * 86_400_000).toISOString(), to: new Date().toISOString() },
  )
  const report = viewer.account.usageReport
  const sum = (list) => list.reduce((total, { seconds }) => total + seconds, 0)
  assert.equal(report.sessions, 1000)
  assert.equal(sum(report.days), report.seconds)
  assert.equal(sum(report.avatars), report.seconds)
  await page.goto('/usage')
  await page.getByRole('heading', { level: 1, name: 'Usage' }).waitFor()
})
