import { useEffect, useRef } from 'react'

/** The least time between two reads, in milliseconds. */
const pause = 1000

/**
 * Reads a query again, at most once a second and never while a read is under way: urql would drop
 * the second one, and what the first one answers may be older than the reason to ask again.
 */
export function useReload(read: () => void, fetching: boolean) {
  const state = useRef({ fetching, wanted: false, timer: undefined as ReturnType<typeof setTimeout> | undefined })
  const latest = useRef(read)
  useEffect(() => {
    latest.current = read
    const s = state.current
    s.fetching = fetching
    if (!fetching && s.wanted && !s.timer) start()
  })
  useEffect(() => {
    const s = state.current
    return () => {
      clearTimeout(s.timer)
      s.timer = undefined
    }
  }, [])
  const start = () => {
    const s = state.current
    s.wanted = false
    latest.current()
    s.timer = setTimeout(() => {
      s.timer = undefined
      if (s.wanted && !s.fetching) start()
    }, pause)
  }
  return {
    now: () => latest.current(),
    underWay: () => state.current.fetching,
    soon: () => {
      const s = state.current
      s.wanted = true
      if (!s.fetching && !s.timer) start()
    },
  }
}
