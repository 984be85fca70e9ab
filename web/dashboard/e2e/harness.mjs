// What every browser test stands on: one chromium for a file of tests, a fresh context for each
// test, and a watch that fails a test for what no test may do: an error in the console, a dialog of
// the browser's, anything that the page's policy blocked, a request to any other host.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, test as nodeTest } from 'node:test'
import { chromium } from 'playwright-core'

/** The server under test; `make test-browser` starts one for each file. */
export const url = need('GREENROOM_URL')
/** An API key of its account. */
export const key = need('GREENROOM_KEY')

const host = new URL(url).host
const patience = 20_000

let launched
after(async () => (await launched)?.close())

/** The browser finds no host but this machine, whatever a page asks for. */
function launch() {
  launched ??= chromium.launch({
    executablePath: program(),
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  })
  return launched
}

/**
 * A test with a page of its own. The options are Playwright's of a context, and `expect`: patterns
 * of what may stand in the console because the test provokes it.
 */
export function test(name, { expect = [], ...options }, run) {
  nodeTest(name, async (t) => {
    const context = await (await launch()).newContext({ baseURL: url, reducedMotion: 'reduce', ...options })
    context.setDefaultTimeout(patience)
    const watch = await watchOver(context, expect)
    const page = await context.newPage()
    try {
      await run({ page, context, watch, t })
      watch.check()
    } catch (error) {
      await keepPicture(context, t)
      throw watch.blame(error)
    } finally {
      await context.close()
    }
  })
}

/** Notes what must not happen, in every page and worker of the context. */
async function watchOver(context, expect) {
  const problems = []
  const sockets = []
  const note = (text) => expect.some((pattern) => pattern.test(text)) || problems.push(text)
  const visit = (address) => {
    const { protocol, host: asked } = new URL(address)
    if (!['data:', 'blob:', 'about:'].includes(protocol) && asked !== host) note(`a request to another host: ${address}`)
  }
  context.on('request', (request) => visit(request.url()))
  context.on('weberror', (failure) => note(`an error in the page: ${failure.error().stack}`))
  context.on('console', (message) => {
    if (message.type() === 'error') note(`in the console: ${message.text()} (${message.location().url})`)
  })
  context.on('page', (page) => {
    page.on('crash', () => note('the page crashed'))
    page.on('dialog', (dialog) => {
      note(`a dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('websocket', (socket) => {
      sockets.push(socket.url())
      visit(socket.url())
    })
  })
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => {
      console.error(`blocked by the page's policy: ${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile ?? ''}:${e.lineNumber}`)
    })
  })
  return {
    /** The WebSockets that were opened. */
    sockets,
    check() {
      assert.deepEqual(problems, [])
    },
    /** A test that failed for a page's error is better told that error too. */
    blame(error) {
      if (problems.length > 0 && !error.message.includes(problems[0])) error.message += `\nseen besides: ${problems.join('\n')}`
      return error
    },
  }
}

/** With GREENROOM_PICTURES=FOLDER, a picture of what a failed test saw. */
async function keepPicture(context, t) {
  const folder = process.env.GREENROOM_PICTURES
  for (const [i, page] of folder ? context.pages().entries() : []) {
    const name = `${t.name.replaceAll(/[^a-z0-9]+/gi, '-')}-${i}.png`
    await page.screenshot({ path: join(folder, name) }).catch(() => {})
  }
}

function program() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path))
  assert.ok(process.env.CHROMIUM ?? found, 'no chromium: install the package chromium, or set CHROMIUM to its path')
  return process.env.CHROMIUM ?? found
}

function need(name) {
  const value = process.env[name]
  assert.ok(value, `${name} is not set: these tests are run by make test-browser`)
  return value
}
