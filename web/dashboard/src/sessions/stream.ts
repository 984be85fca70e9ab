import { pieces, sampleRate, toBase64 } from './pcm'

/** A frame from the stream, as docs/stream.md has them. */
export interface Frame {
  type: string
  id?: string
  code?: string
  error?: string
  audio_samples?: number
  seconds?: number
  end_reason?: string
}

export type StreamState = 'closed' | 'connecting' | 'open'

export interface StreamOptions {
  wsUri: string
  sessionId: string
  accessToken: string
  onState: (state: StreamState, why?: string) => void
  onFrame: (frame: Frame) => void
}

/** How many pieces of audio may be unconfirmed: the server goes on reading, and so sees an interrupt at once. */
const window = 8

/** Why a socket was closed for good, by its code. */
const reasons: Record<number, string> = {
  4400: 'The server did not understand the page.',
  4401: 'The access token is not valid any more.',
  4409: 'Another client of this session has taken over the stream.',
  4410: 'The session has ended.',
  4413: 'That was too much at once.',
}

export interface Stream {
  /** Resolves with the samples that were confirmed; rejects with what the server said. */
  speakText: (text: string) => Promise<number>
  speakAudio: (pcm: Int16Array) => Promise<number>
  interrupt: () => Promise<void>
  close: () => void
}

/** Opens the stream, and opens it again after a loss unless the server says to stay away. */
export function openStream({ wsUri, sessionId, accessToken, onState, onFrame }: StreamOptions): Stream {
  const waiting = new Map<string, { resolve: (frame: Frame) => void; reject: (error: Error) => void }>()
  let socket: WebSocket
  let attempt = 0
  let count = 0
  let closed = false
  let timer: ReturnType<typeof setTimeout>
  let opened = Promise.withResolvers<void>()
  opened.promise.catch(() => {}) // whoever waits for it hears of it

  const fail = (why: string) => {
    opened.reject(new Error(why))
    for (const { reject } of waiting.values()) reject(new Error(why))
    waiting.clear()
  }
  const dial = () => {
    onState('connecting')
    socket = new WebSocket(here(wsUri))
    socket.onopen = () => socket.send(JSON.stringify({ type: 'session.init', session_id: sessionId, access_token: accessToken }))
    socket.onmessage = ({ data }) => take(JSON.parse(String(data)) as Frame)
    socket.onclose = ({ code }) => {
      if (closed) return
      const final = reasons[code]
      fail(final ?? 'The connection was lost. What was not confirmed may not have been spoken.')
      if (final) return onState('closed', final)
      opened = Promise.withResolvers<void>()
      opened.promise.catch(() => {})
      onState('connecting')
      timer = setTimeout(dial, Math.min(10_000, 500 * 2 ** attempt++) * (0.5 + Math.random() / 2))
    }
  }
  const take = (frame: Frame) => {
    onFrame(frame)
    if (frame.type === 'connection.established') {
      attempt = 0
      onState('open')
      opened.resolve()
    }
    const asked = frame.id === undefined ? undefined : waiting.get(frame.id)
    if (!asked) return
    waiting.delete(frame.id ?? '')
    if (frame.type === 'error') asked.reject(new StreamError(frame))
    else asked.resolve(frame)
  }
  const send = async (type: string, members: object): Promise<Frame> => {
    await opened.promise
    const id = `page-${++count}`
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      socket.send(JSON.stringify({ type, id, ...members }))
    })
  }
  dial()
  return {
    speakText: async (text) => (await send('agent.speak', { text })).audio_samples ?? 0,
    speakAudio: async (pcm) => {
      let samples = 0
      const underWay: Promise<void>[] = []
      for (const piece of pieces(pcm)) {
        if (underWay.length >= window) await underWay.shift()
        const sent = send('agent.speak', { audio: toBase64(piece), sample_rate: sampleRate })
        const counted = sent.then((frame) => void (samples += frame.audio_samples ?? 0))
        counted.catch(() => {}) // it is awaited in its turn
        underWay.push(counted)
      }
      await Promise.all(underWay)
      return samples
    },
    interrupt: async () => void (await send('agent.interrupt', {})),
    close: () => {
      closed = true
      clearTimeout(timer)
      fail('The stream was closed.')
      socket.close(1000)
    },
  }
}

/** What the server said of a command. */
export class StreamError extends Error {
  readonly code: string
  constructor(frame: Frame) {
    super(frame.error ?? frame.code ?? 'refused')
    this.code = frame.code ?? ''
  }
}

/** The same server under the name that the page was opened by: the page may talk to no other. */
export function here(wsUri: string): string {
  const { protocol, host } = location
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}${new URL(wsUri).pathname}`
}
