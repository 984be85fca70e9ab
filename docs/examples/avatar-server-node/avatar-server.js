// An avatar server for Greenroom in Node: the whole protocol of ../../avatar-servers.md, and no
// avatar. Where yours renders, this one says so on the console: look for RENDER.
//
//   GREENROOM_URL=http://127.0.0.1:8080 GREENROOM_AVATAR_SERVER_KEY=gr_avsrv_… node avatar-server.js
import { hostname } from 'node:os'
import WebSocket from 'ws'

const PROTOCOL = 'greenroom-avatar-server/1'
const HEADER = 48 // bytes before the audio of a binary frame
const FINAL = { 4400: 'bad frame', 4401: 'key revoked', 4409: 'another process uses this instance' }

const { GREENROOM_URL, GREENROOM_AVATAR_SERVER_KEY: key } = process.env
if (!GREENROOM_URL || !key) fail('set GREENROOM_URL and GREENROOM_AVATAR_SERVER_KEY')
const url = new URL('v1/avatar-servers', GREENROOM_URL.replace(/\/*$/, '/'))
const instance = process.env.INSTANCE ?? `node-${hostname()}` // who we are: must not change when we reconnect
const capacity = Number(process.env.CAPACITY ?? 4)

// What we carry, by session id: it outlives every connection.
const sessions = new Map()
let socket
let wait = 200
let stopping = false
dial()

function dial() {
  let heartbeat, silence
  let lostAfter = 10_000
  const ws = (socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${key}` },
    handshakeTimeout: 10_000,
    maxPayload: 1 << 20,
  }))
  const alive = () => {
    clearTimeout(silence)
    silence = setTimeout(() => ws.terminate(), lostAfter) // 'close' follows, and we dial again
  }
  ws.on('unexpected-response', (request, response) => {
    if (response.statusCode === 401) fail('Greenroom refuses the avatar-server key')
    request.destroy(new Error(`HTTP ${response.statusCode}`))
  })
  ws.on('error', (error) => console.error(`connection: ${error.message}`))
  ws.on('open', () => {
    alive()
    send(ws, 'hello', {
      protocol: PROTOCOL,
      name: 'Node example',
      instance,
      capacity,
      avatars: '*',
      sessions: [...sessions.values()].map(({ id, generation }) => ({ id, generation })),
    })
  })
  ws.on('message', (data, binary) => {
    alive()
    if (binary) return chunk(ws, data)
    const frame = JSON.parse(data)
    if (frame.type === 'welcome') {
      wait = 200
      lostAfter = frame.lost_after_ms
      heartbeat = setInterval(() => send(ws, 'heartbeat'), frame.heartbeat_ms)
    }
    handlers[frame.type]?.(ws, frame) // types we do not know are for newer programs
  })
  ws.on('close', (code, reason) => {
    clearInterval(heartbeat)
    clearTimeout(silence)
    // Answers die with their connection, and so do speeches that had not arrived as a whole.
    for (const session of sessions.values()) session.speech = undefined
    if (stopping) return process.exit(0)
    if (FINAL[code]) fail(`closed with ${code}, ${FINAL[code]}: ${reason}`)
    const pause = wait / 2 + Math.random() * (wait / 2)
    console.error(`connection ended with ${code}, dialling again in ${Math.round(pause)} ms`)
    setTimeout(dial, pause)
    wait = Math.min(2 * wait, 5000)
  })
}

const handlers = {
  welcome(ws, { keep }) {
    for (const session of [...sessions.values()]) {
      if (!keep.some((ref) => ref.id === session.id && ref.generation === session.generation)) leave(session)
      else if (session.ready) send(ws, 'ready', address(session))
    }
    console.log(`welcome: carrying ${sessions.size} of ${capacity}`)
  },

  async assign(ws, frame) {
    const { session: id, generation, avatar, room } = frame
    const old = sessions.get(id)
    if (old && old.generation >= generation) return
    if (old) leave(old)
    if (sessions.size >= capacity) return send(ws, 'refused', { session: id, generation, reason: 'all places are taken' })
    const session = { id, generation, avatar, room, ready: false, speech: undefined }
    sessions.set(id, session)
    await join(session)
    if (sessions.get(id) !== session) return // released meanwhile
    session.ready = true
    send(socket, 'ready', address(session)) // or after the next welcome, when there is no connection now
  },

  release(_, frame) {
    const session = find(frame)
    if (session) leave(session)
  },

  speak(ws, frame) {
    const session = find(frame)
    const answer = { session: frame.session, generation: frame.generation, command: frame.command }
    if (!session?.ready) return send(ws, 'error', { ...answer, code: 'NOT_READY', error: 'the avatar is not in the room' })
    if (frame.text) return send(ws, 'error', { ...answer, code: 'TEXT_UNSUPPORTED', error: 'this avatar server has no voice' })
    session.speech = { command: frame.command, rate: frame.sample_rate, bytes: 0, seq: 0 }
  },

  interrupt(ws, frame) {
    const session = find(frame)
    if (!session) return
    session.speech = undefined
    console.log(`${session.id}: silent`) // RENDER: stop at once, throw away all audio that waits
    send(ws, 'interrupt.confirmed', { ...address(session), command: frame.command })
  },
}

// chunk takes a binary frame: a piece of a speech.
function chunk(ws, data) {
  if (data[0] !== 1) return // another kind, for newer programs
  const last = data[1] & 1
  const abandoned = data[1] & 2
  const generation = data.readUInt32BE(4)
  const command = data.readUInt32BE(8)
  const seq = data.readUInt32BE(12)
  const id = data.toString('latin1', 16, HEADER).replace(/\0+$/, '')
  const pcm = data.subarray(data.readUInt16BE(2)) // signed 16 bit little endian, mono

  const session = find({ session: id, generation })
  if (!session) return
  const speech = session.speech
  // RENDER: queue pcm. Give the credit back when it leaves your queue, not before: that is what
  // keeps Greenroom from sending more than you can hold. Every byte is given back once, also
  // when it is thrown away.
  if (pcm.length > 0) send(ws, 'credit', { ...address(session), bytes: pcm.length })
  if (speech?.command !== command) return // interrupted
  if (last) session.speech = undefined
  if (abandoned) return // always with last
  if (seq !== speech.seq++) {
    session.speech = undefined
    return send(ws, 'error', { ...address(session), command, code: 'BAD_AUDIO', error: 'a chunk is missing' })
  }
  speech.bytes += pcm.length
  if (last) {
    const samples = Math.ceil(((speech.bytes / 2) * 16_000) / speech.rate)
    console.log(`${id}: says ${(samples / 16_000).toFixed(2)} s`)
    send(ws, 'speak.confirmed', { ...address(session), command, audio_samples: samples })
  }
}

// join brings the avatar into the Daily room. RENDER: load the avatar, join room.url with
// room.token (a secret: never log it), and resolve when it can be seen.
async function join({ id, avatar, room }) {
  console.log(`${id}: joining ${room.name} as ${avatar.name}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
}

// leave forgets a session. RENDER: leave the room, free the GPU.
function leave(session) {
  sessions.delete(session.id)
  console.log(`${session.id}: left`)
}

// find gives the session that a frame is about; word of another generation is stale.
function find({ session, generation }) {
  const found = sessions.get(session)
  return found?.generation === generation ? found : undefined
}

function address({ id, generation }) {
  return { session: id, generation }
}

function send(ws, type, fields) {
  if (ws.readyState === WebSocket.OPEN) ws.send(JSON.stringify({ type, ...fields }))
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

// Tell Greenroom at once, so that it need not wait 15 seconds to be sure.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    stopping = true
    send(socket, 'drain')
    for (const session of [...sessions.values()]) {
      send(socket, 'lost', { ...address(session), reason: 'shutting down' })
      leave(session)
    }
    if (socket.readyState === WebSocket.OPEN) socket.close(1000)
    else process.exit(0)
  })
}
