// Every page by itself: it loads, keeps to its policy, asks nobody else, and can be used by all.
import assert from 'node:assert/strict'
import { createSession } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test } from './harness.mjs'

const views = {
  '/': 'Sessions', '/sessions': 'Sessions', '/sessions/new': 'New session', '/avatars': 'Avatars', '/usage': 'Usage',
  '/webhooks': 'Webhooks', '/keys': 'API keys',
}

for (const [path, title] of Object.entries(views)) {
  test(`${path}, light and dark, and on a phone`, { colorScheme: 'light' }, async ({ page }) => {
    await page.goto(path)
    await page.getByRole('heading', { level: 1, name: title }).waitFor()
    await page.waitForLoadState('networkidle')
    await checkAccessibility(page, `${path}, light`)
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.locator('html[data-mantine-color-scheme="dark"]').waitFor() // the page is told, and then follows
    await checkAccessibility(page, `${path}, dark`)
    await page.setViewportSize({ width: 360, height: 740 })
    await checkAccessibility(page, `${path}, narrow`)
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(tooWide <= 0, `scrolls sideways by ${tooWide} px`)
  })
}

test('one session, by its address', {}, async ({ page }) => {
  const { id } = await createSession()
  await page.goto(`/sessions/${id}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.getByText(id).first().waitFor()
  await checkAccessibility(page)
})

test('live data come over a WebSocket to the same origin', {}, async ({ page, watch }) => {
  await page.goto('/sessions')
  await page.waitForLoadState('networkidle')
  assert.ok(watch.sockets.length > 0 && watch.sockets.every((socket) => socket.endsWith('/graphql')), watch.sockets.join())
})

test('an address that is no page says so', { expect: [/404/] }, async ({ page }) => {
  const response = await page.goto('/no/such/page')
  assert.equal(response.status(), 404)
  await page.getByRole('heading', { name: 'Not found' }).waitFor()
  await checkAccessibility(page)
})

test('inline script is blocked', { expect: [/script-src/] }, async ({ page }) => {
  await page.goto('/sessions')
  const ran = await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'window.ran = true'
    document.body.append(script)
    return window.ran ?? false
  })
  assert.equal(ran, false)
})

test('the first view needs less than 200 kB of script', {}, async ({ page }) => {
  const scripts = []
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response)
  })
  await page.goto('/sessions')
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
  await page.waitForLoadState('networkidle')
  let bytes = 0
  for (const response of scripts) {
    assert.equal(response.headers()['content-encoding'], 'br', response.url())
    bytes += (await response.request().sizes()).responseBodySize
  }
  assert.ok(scripts.length > 0 && bytes > 10_000 && bytes < 200_000, `${bytes} bytes in ${scripts.length} scripts`)
})
