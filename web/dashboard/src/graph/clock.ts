import { useEffect, useState } from 'react'
import type { Client } from 'urql'
import { graphql } from './graphql'

const ServerTime = graphql(`query ServerTime { serverTime }`)

/** How far the server's clock is ahead of this machine's, in milliseconds. */
let offset = 0

/** The server's clock: what deadlines and running times are measured by. */
export function serverNow(): number {
  return Date.now() + offset
}

/** Reads the server's clock, and takes half of the way there and back for the way back. */
export async function readClock(client: Client): Promise<void> {
  const sent = Date.now()
  const { data } = await client.query(ServerTime, {}, { requestPolicy: 'network-only' }).toPromise()
  if (!data) return
  const received = Date.now()
  offset = Date.parse(data.serverTime) - (sent + received) / 2
}

/** Keeps the offset true: clocks drift, and a laptop sleeps. */
export function useClock(client: Client): void {
  useEffect(() => {
    const read = () => {
      if (document.visibilityState === 'visible') void readClock(client)
    }
    read()
    const timer = setInterval(read, 5 * 60_000)
    document.addEventListener('visibilitychange', read)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', read)
    }
  }, [client])
}

/** The server's time as of now, again every so many milliseconds. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}
