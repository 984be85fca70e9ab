import { useEffect, useRef } from 'react'

/** Calls every so many milliseconds while the tab is in front, and once when it comes to the front. */
export function useWhileVisible(every: number, call: () => void): void {
  const latest = useRef(call)
  useEffect(() => {
    latest.current = call
  })
  useEffect(() => {
    const read = () => {
      if (document.visibilityState === 'visible') latest.current()
    }
    const timer = setInterval(read, every)
    document.addEventListener('visibilitychange', read)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', read)
    }
  }, [every])
}
