// Text from strangers is shown as text: it neither runs nor loads anything, nor breaks the page.
import assert from 'node:assert/strict'
import { ask, createSession } from './api.mjs'
import { test } from './harness.mjs'

const naughty = [
  '<script>window.ran = 1</script>', '"><img src=x onerror="window.ran = 1">', "javascript:window.ran=1//'-alert(1)-'", '<svg onload=window.ran=1>',
  '{{constructor.constructor("window.ran = 1")()}}', '${window.ran = 1}', '%3Cscript%3Ewindow.ran=1%3C/script%3E', '&lt;b&gt;&amp;amp;',
  '</title></style></textarea><script>window.ran=1</script>', '<a href="https://evil.example">x</a>', '\u202Eright to left\u202C', 'Z̡͇̣a̘̺l̢͚g͎o̡',
  '👩‍👩‍👧‍👦 🏳️‍🌈 ﷽', "Robert'); DROP TABLE sessions;--", 'W'.repeat(128), 'null', 'undefined', '__proto__', '\u00a0\u2003 spaces \u3000x', 'ﬀ ß İ ı',
]

// That pictures may come from anywhere is so decided; here nobody answers.
test('as names of avatars', { expect: [/evil\.example/] }, async ({ page }) => {
  for (const name of naughty) {
    await ask('mutation ($input: CreateAvatarInput!) { createAvatar(input: $input) { userErrors { code message } } }', {
      input: { name, url: 'https://evil.example/x.png' },
    })
  }
  const { avatars } = await ask('{ avatars(first: 100) { nodes { name } } }')
  await page.route('https://evil.example/**', (route) => route.abort())
  for (const path of ['/avatars', '/sessions/new']) {
    await page.goto(path)
    await shows(page, avatars.nodes.map((avatar) => avatar.name))
  }
})

test('as metadata and end users', {}, async ({ page }) => {
  const metadata = Object.fromEntries(naughty.map((text, i) => [text, i % 2 ? text : [text, { [text]: text }]]))
  const { id } = await createSession({ metadata, endUserId: naughty[0] })
  await page.goto('/sessions')
  await shows(page, [naughty[0]])
  await page.goto(`/sessions/${id}`)
  await shows(page, [naughty[0]])
})

test('in the address', { expect: [/40[04]/] }, async ({ page }) => {
  for (const text of naughty.slice(0, 10)) {
    await page.goto(`/sessions?endUserId=${encodeURIComponent(text)}&after=${encodeURIComponent(text)}&status=${encodeURIComponent(text)}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.goto(`/sessions/${encodeURIComponent(text)}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await ranNothing(page)
  }
})

/** Waits until the page has all texts, as they are. */
async function shows(page, texts) {
  await page.waitForFunction((wanted) => {
    const shown = document.body.innerText + [...document.querySelectorAll('textarea, input')].map((field) => field.value).join('\n')
    const plain = (text) => text.replaceAll(/\s+/g, ' ').trim()
    return wanted.every((text) => plain(shown).includes(plain(text)))
  }, texts)
  await ranNothing(page)
}

async function ranNothing(page) {
  assert.equal(await page.evaluate(() => window.ran), undefined)
}
