import { useNow } from '../graph/clock'
import { exact, relative } from './time'

/** How long ago, by the server's clock; the exact time is its title. */
export function Time({ at }: { at: string }) {
  const now = useNow(10_000)
  return (
    <time dateTime={at} title={exact(at)} style={{ whiteSpace: 'nowrap' }}>
      {relative(Date.parse(at), now)}
    </time>
  )
}
