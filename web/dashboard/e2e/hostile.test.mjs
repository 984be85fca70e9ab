// Text from strangers is shown as text: it neither runs nor loads anything, nor breaks the page.
import assert from 'node:assert/strict'
import { ask } from './api.mjs'
import { test } from './harness.mjs'
import { controls, families, naughty } from './naughty.mjs'

const everything = [...naughty, ...controls]

// That pictures may come from anywhere is so decided; here nobody answers.
test('as names of avatars', { expect: [/evil\.example/] }, async ({ page }) => {
  for (const names of batches(naughty, 30)) {
    const fields = names.map((_, i) => `a${i}: createAvatar(input: {name: $t${i}, url: "https://evil.example/x.png"}) { userErrors { code message } }`)
    await ask(`mutation (${variables(names)}) { ${fields.join('\n')} }`, values(names))
  }
  const { avatars } = await ask('{ avatars(first: 100) { nodes { name } pageInfo { endCursor } } }')
  const { avatars: more } = await ask('query ($after: String) { avatars(first: 100, after: $after) { nodes { name } } }', { after: avatars.pageInfo.endCursor })
  const names = [...avatars.nodes, ...more.nodes].map(({ name }) => name)
  assert.ok(naughty.every((text) => names.includes(text.trim()) || names.includes(text)), 'not all are stored as they were given')

  await page.route('https://evil.example/**', (route) => route.abort())
  await page.goto('/avatars')
  await walk(page, names)
  await page.goto('/sessions/new')
  await shows(page, avatars.nodes.map(({ name }) => name))
})

test('as end users', {}, async ({ page }) => {
  const avatarId = await usable()
  // The plan has 20 places.
  for (const users of batches(everything, 20)) {
    const fields = users.map((_, i) => `s${i}: createSession(input: {avatarId: $avatar, endUserId: $t${i}}) { session { id } userErrors { code message } }`)
    const made = await ask(`mutation ($avatar: ID!, ${variables(users)}) { ${fields.join('\n')} }`, { avatar: avatarId, ...values(users) })
    const ids = Object.values(made).map(({ session }) => session.id)
    const ends = ids.map((_, i) => `e${i}: endSession(input: {id: $t${i}}) { userErrors { code message } }`)
    await ask(`mutation (${variables(ids, 'ID')}) { ${ends.join('\n')} }`, values(ids))
  }
  await page.goto('/sessions')
  await walk(page, everything)
})

test('as metadata, and as the names in it', { expect: [/example\.com/] }, async ({ page }) => {
  const name = '<img src=x onerror="window.ran = 1">\u202E'
  const { createAvatar } = await ask(
    'mutation ($name: String!) { createAvatar(input: {name: $name, url: "https://example.com/x.png"}) { avatar { id } userErrors { code message } } }', { name },
  )
  await page.route('https://example.com/**', (route) => route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' }))
  for (const texts of batches(everything, 80)) {
    const metadata = Object.fromEntries(texts.map((text, i) => [text, i % 2 ? text : [{ [text]: i }]]))
    const { createSession: made } = await ask(
      'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id metadata } userErrors { code message } } }',
      { input: { avatarId: createAvatar.avatar.id, endUserId: texts[0], metadata } },
    )
    assert.deepEqual(made.session.metadata, JSON.parse(JSON.stringify(metadata)))
    await page.goto('/sessions')
    await page.locator(`table a[href="/sessions/${made.session.id}"]`).first().waitFor()
    await ranNothing(page)
    await page.goto(`/sessions/${made.session.id}`)
    await shows(page, [texts[0], `Session with ${name}`])
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    assert.deepEqual(JSON.parse(await page.getByLabel('JSON object').inputValue()), made.session.metadata)
    await ranNothing(page)
  }
})

test('in the address', { expect: [/40[04]/] }, async ({ page }) => {
  const some = Object.values(families).flatMap((family) => [family[0], family.at(-1)])
  for (const text of some) {
    const encoded = encodeURIComponent(text)
    await page.goto(`/sessions?endUserId=${encoded}&after=${encoded}&status=${encoded}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.goto(`/sessions/${encoded}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await ranNothing(page)
  }
})

/** An avatar with a picture of this server's. */
async function usable() {
  const { avatars } = await ask('{ avatars(last: 1) { nodes { id } } }')
  return avatars.nodes[0].id
}

/** Goes through all pages of a list until each text was seen. */
async function walk(page, texts) {
  const missing = new Set(texts)
  for (;;) {
    const next = page.getByRole('button', { name: 'Next', exact: true })
    await next.waitFor()
    const shown = await page.evaluate(() => document.body.textContent)
    for (const text of missing) if (shown.includes(text)) missing.delete(text)
    await ranNothing(page)
    if (missing.size === 0) return
    assert.ok(await next.isEnabled(), `not shown: ${JSON.stringify([...missing])}`)
    const first = await page.locator('[data-id]').first().getAttribute('data-id')
    await next.click()
    await page.waitForFunction((old) => {
      const row = document.querySelector('[data-id]')
      return row !== null && row.dataset.id !== old
    }, first)
  }
}

/** Waits until the page has all texts, as they are. */
async function shows(page, texts) {
  await page.waitForFunction((wanted) => wanted.every((text) => document.body.textContent.includes(text)), texts)
  await ranNothing(page)
}

async function ranNothing(page) {
  assert.equal(await page.evaluate(() => window.ran), undefined)
}

function batches(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
}

const variables = (texts, type = 'String') => texts.map((_, i) => `$t${i}: ${type}!`).join(', ')
const values = (texts) => Object.fromEntries(texts.map((text, i) => [`t${i}`, text]))
