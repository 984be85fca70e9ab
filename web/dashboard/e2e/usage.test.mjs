// The use of a month that lies in the database already: see histories in browser_test.go.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { ask } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

const dayLength = 86_400_000

/** What the API reports of the days that the page calls the last 30. */
async function report() {
  const today = Math.floor(Date.now() / dayLength) * dayLength
  const { viewer } = await ask(
    `query ($from: DateTime!, $to: DateTime!) { viewer { account { usageReport(from: $from, to: $to) {
      sessions seconds days { day sessions seconds } avatars { avatar { name } sessions seconds } } } } }`,
    { from: new Date(today - 29 * dayLength).toISOString(), to: new Date(today + dayLength).toISOString() },
  )
  return viewer.account.usageReport
}

/** A table's rows as text, and the exact seconds that its titles have. */
const read = (table) =>
  table.locator('tbody tr').evaluateAll((rows) => rows.map((row) => ({
    name: row.cells[0].innerText.trim(),
    sessions: Number(row.cells[1].innerText.replaceAll(',', '')),
    seconds: Number(row.cells[2].title.replaceAll(/\D/g, '')),
  })))

const sum = (rows, of) => rows.reduce((total, row) => total + row[of], 0)

test('the charts are drawn, and the tables have what the API reports', {}, async ({ page }) => {
  await page.goto('/usage?range=30d')
  const chart = page.getByRole('img', { name: 'Minutes by day' })
  await chart.waitFor()
  const wanted = await report()
  assert.ok(wanted.sessions > 50, `only ${wanted.sessions} sessions`)
  await chart.locator('.recharts-bar-rectangle path').first().waitFor()
  const tall = (bars) => bars.map((bar) => bar.getBoundingClientRect().height).filter((height) => height > 0).length
  assert.equal(await chart.locator('.recharts-bar-rectangle path').evaluateAll(tall), wanted.days.filter(({ seconds }) => seconds > 0).length)

  await page.getByText('All days as a table').click()
  const days = page.getByRole('table', { name: 'Usage by day' })
  const rows = await read(days)
  assert.deepEqual(rows, wanted.days.map(({ day, sessions, seconds }) => ({ name: day.slice(0, 10), sessions, seconds })))
  assert.equal(sum(rows, 'seconds'), wanted.seconds)
  const foot = days.locator('tfoot tr')
  assert.equal(await foot.getByRole('cell').first().innerText(), wanted.sessions.toLocaleString('en'))
  assert.equal(await foot.getByRole('cell').nth(1).getAttribute('title'), `${wanted.seconds.toLocaleString('en')} seconds`)

  const avatars = await read(page.getByRole('table', { name: 'Usage by avatar' }))
  assert.deepEqual(avatars, wanted.avatars.map(({ avatar, sessions, seconds }) => ({ name: avatar.name, sessions, seconds })))
  assert.equal(sum(avatars, 'sessions'), wanted.sessions)

  await page.getByRole('radiogroup', { name: 'What to compare' }).getByText('Sessions', { exact: true }).click()
  await page.getByRole('img', { name: 'Sessions by day' }).waitFor()
  await checkAccessibility(page)
})

test('the file has the same sum', {}, async ({ page }) => {
  await page.goto('/usage?range=30d')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download CSV by day' }).click()])
  const [head, ...lines] = (await readFile(await download.path(), 'utf8')).trim().split(/\r?\n/)
  const column = head.split(',').indexOf('seconds')
  assert.ok(column > 0, head)
  const { seconds } = await report()
  assert.equal(lines.reduce((total, line) => total + Number(line.split(',')[column]), 0), seconds)
})
