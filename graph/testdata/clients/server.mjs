// The server that the tests ask: one that `make test-node` has started for them.
import { after } from 'node:test'

const { GREENROOM_URL, GREENROOM_KEY } = process.env
if (!GREENROOM_URL || !GREENROOM_KEY) throw new Error('run these tests by `make test-node`')

export const httpURL = `${GREENROOM_URL}/graphql`
export const wsURL = httpURL.replace(/^http/, 'ws')
export const headers = { authorization: `Bearer ${GREENROOM_KEY}` }
export const wrongHeaders = { authorization: 'Bearer gr_live_nobodys_key_nobodys_key_nobodys' }

// signedIn is fetch with the key added.
export const signedIn = (url, options = {}) =>
  fetch(url, { ...options, headers: { ...Object.fromEntries(new Headers(options.headers)), ...headers } })

// No test depends on how soon something comes, but none waits for ever.
const patience = 60_000

// within waits for a promise; what says, when it takes too long, what was waited for.
export async function within(promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still not: ${typeof what === 'function' ? what() : what}`)), patience)
  })
  try {
    return await Promise.race([promise, late])
  } catch (error) {
    // A socket fails with an event, which a report would show as {}.
    if (!(error instanceof Event) && !error?.target) throw error
    throw Object.assign(new Error(`socket: ${error.type} ${error.code ?? ''} ${error.reason ?? error.message}`), { code: error.code })
  } finally {
    clearTimeout(timer)
  }
}

// until reads messages up to the first that is wanted, and gives all that it read.
export async function until(messages, what, wanted) {
  const seen = []
  for (;;) {
    const { value, done } = await within(messages.next(), () => `${what} after ${JSON.stringify(seen)}`)
    if (done) throw new Error(`completed before: ${what} after ${JSON.stringify(seen)}`)
    seen.push(value)
    if (wanted(value)) return seen
  }
}

// pulled makes an iterator of what calls an observer: nothing is lost between two reads.
// subscribe returns how to unsubscribe.
export function pulled(subscribe) {
  let unsubscribe
  const stream = new ReadableStream({
    start(queue) {
      unsubscribe = subscribe({
        next: (value) => queue.enqueue(value),
        error: (error) => queue.error(error),
        complete: () => queue.close(),
      })
    },
    cancel: () => unsubscribe(),
  })
  return stream.values()
}

// atEnd runs something when all tests of the file are over: sockets are closed then, as tests
// tidy up over them.
export const atEnd = (tidy) => ending.push(tidy)
const ending = []
after(() => Promise.all(ending.map((tidy) => tidy())))
