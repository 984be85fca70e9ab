// How the page talks to the emulator: a question at the door, and one socket, which is the
// participant: when it closes, the participant has left.

// knock asks whether the token lets in now.
export async function knock(token) {
  try {
    const response = await fetch(`${location.pathname}/check`, { method: 'POST', body: JSON.stringify({ token }) })
    return await response.json()
  } catch {
    return { error: 'connection-error' }
  }
}

// open joins. `on` has a function for each frame, one for speech, and `over`, which is called
// once, with { error, info } when it was not the person who left.
export function open(token, name, on) {
  const address = new URL(`${location.pathname}/join`, location.href)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(address)
  let why = { error: 'connection-error' }
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => socket.send(JSON.stringify({ type: 'join', token, name }))
  socket.onmessage = ({ data }) => {
    if (typeof data !== 'string') return on.speech(data)
    const frame = JSON.parse(data)
    if (frame.type === 'refused' || frame.type === 'ended') why = frame
    else on[frame.type]?.(frame)
  }
  socket.onclose = ({ code }) => on.over(code === 1000 ? {} : why)
  return {
    leave() {
      why = {}
      if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"leave"}')
      socket.close(1000)
    },
  }
}
