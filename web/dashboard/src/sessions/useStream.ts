import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient } from 'urql'
import { problemOf, sentence } from '../graph/errors'
import { StartSession } from './actions'
import { openStream, StreamError, type Stream, type StreamState } from './stream'

/** One thing that was said to the avatar, and what became of it. */
export interface Line {
  id: number
  what: string
  state: 'sending' | 'done' | 'failed'
  detail?: string
}

/** The most lines that are kept. */
const most = 50

/**
 * The session's stream as the page uses it: opened by the first command, since the session has one
 * stream and the newest takes over, and closed with the view.
 */
export function useStream(sessionId: string, accessToken: string | null) {
  const client = useClient()
  const [state, setState] = useState<StreamState>('closed')
  const [why, setWhy] = useState<string>()
  const [lines, setLines] = useState<Line[]>([])
  const stream = useRef<Stream>(undefined)
  const count = useRef(0)

  const close = useCallback(() => {
    stream.current?.close()
    stream.current = undefined
    setState('closed')
  }, [])
  // Another token needs another socket.
  useEffect(() => close, [close, accessToken])

  const open = useCallback(async (): Promise<Stream> => {
    if (stream.current) return stream.current
    if (!accessToken) throw new Error('the stream needs an access token')
    // For a started session this only tells where the stream is.
    const { data, error } = await client.mutation(StartSession, { input: { id: sessionId } }).toPromise()
    if (error) throw new Error(problemOf(error).text)
    const refusal = data?.startSession.userErrors[0]
    if (!data?.startSession.wsUri) throw new Error(sentence(refusal?.message ?? 'the session has no stream'))
    const opened = openStream({
      wsUri: data.startSession.wsUri,
      sessionId,
      accessToken,
      onState: (next, reason) => {
        setState(next)
        setWhy(reason)
        if (next === 'closed') stream.current = undefined
      },
      onFrame: () => {},
    })
    stream.current = opened
    return opened
  }, [client, sessionId, accessToken])

  /** Does it, and keeps a line of it. */
  const command = async (what: string, run: (stream: Stream) => Promise<string | undefined>) => {
    const id = ++count.current
    const note = (line: Partial<Line>) => setLines((old) => old.map((l) => (l.id === id ? { ...l, ...line } : l)))
    setLines((old) => [...old.slice(1 - most), { id, what, state: 'sending' }])
    try {
      note({ state: 'done', detail: await run(await open()) })
    } catch (error) {
      note({ state: 'failed', detail: words(error) })
    }
  }
  return { state, why, lines, command, close }
}

function words(error: unknown): string {
  if (error instanceof StreamError && error.code === 'INTERRUPTED') return 'Interrupted.'
  return sentence(error instanceof Error ? error.message : String(error))
}
