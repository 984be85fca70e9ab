import { createClient, type Client as Socket } from 'graphql-ws'
import { useSyncExternalStore } from 'react'
import type { SubscriptionForwarder } from './types'

/** How the page stands to the server: shown in the shell. */
export type Link = 'connecting' | 'live' | 'reconnecting'

let link: Link = 'connecting'
const watchers = new Set<() => void>()

function setLink(next: Link): void {
  if (next === link) return
  link = next
  for (const watcher of watchers) watcher()
}

/** The state of the live connection. */
export function useLink(): Link {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => link,
  )
}

/** Longest wait between two tries, in milliseconds. */
const slowest = 15_000

/** Without a pong for so long, the connection counts as lost: a sleeping laptop closes nothing. */
const pongWithin = 5_000

/**
 * One WebSocket for all subscriptions of a key. It comes back by itself after every loss, also
 * when the server is being restarted (1012); `refused` is called when the server would not have the
 * key (4403, 4401), and answers whether trying again makes sense.
 */
export function connect(key: string, refused: () => Promise<boolean>): Socket {
  const { protocol, host } = location
  let pong: ReturnType<typeof setTimeout> | undefined
  let asked = false
  let socket: WebSocket | undefined
  return createClient({
    url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/graphql`,
    connectionParams: { authorization: `Bearer ${key}` },
    lazyCloseTimeout: 3_000,
    keepAlive: 12_000,
    retryAttempts: Infinity,
    shouldRetry: () => !asked,
    retryWait: async (retries) => {
      setLink('reconnecting')
      const wait = Math.min(slowest, 500 * 2 ** Math.min(retries, 8))
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)))
    },
    on: {
      opened: (opened) => (socket = opened as WebSocket),
      connected: () => setLink('live'),
      closed: (event) => {
        clearTimeout(pong)
        const { code } = event as CloseEvent
        if (code !== 1000) setLink('reconnecting')
        if (code === 4403 || code === 4401) void refused().then((final) => (asked = final))
      },
      ping: (received) => {
        if (received) return
        pong = setTimeout(() => socket?.close(4408, 'no pong'), pongWithin)
      },
      pong: (received) => {
        if (received) clearTimeout(pong)
      },
    },
  })
}

/**
 * Hands urql's subscriptions to the socket. An end that graphql-ws takes for final, such as too
 * many sockets, is tried again later: a page that silently stands still is worse.
 */
export function forward(socket: Socket): SubscriptionForwarder {
  return (request) => ({
    subscribe(sink) {
      let done = false
      let stop = () => {}
      let timer: ReturnType<typeof setTimeout> | undefined
      const subscribe = () => {
        stop = socket.subscribe(
          { ...request, query: request.query ?? '' },
          {
            next: (result) => sink.next(result as Parameters<typeof sink.next>[0]),
            complete: () => sink.complete(),
            error: (error) => {
              if (Array.isArray(error)) sink.next({ errors: error })
              else setLink('reconnecting')
              if (!done && !isFinal(error)) timer = setTimeout(subscribe, slowest)
            },
          },
        )
      }
      subscribe()
      return {
        unsubscribe: () => {
          done = true
          clearTimeout(timer)
          stop()
        },
      }
    },
  })
}

/** Whether the server has refused the operation itself, so that sending it again would not help. */
function isFinal(error: unknown): boolean {
  const [first] = Array.isArray(error) ? (error as { extensions?: { code?: string } }[]) : []
  const code = first?.extensions?.code
  return code !== undefined && !['UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL'].includes(code)
}
