import { useEffect, useRef, useState } from 'react'

/** Records from the microphone until it is told to stop; the recording goes to `done`. */
export function useMicrophone(done: (recording: Blob) => void, failed: (why: string) => void) {
  const [recording, setRecording] = useState(false)
  const recorder = useRef<MediaRecorder>(undefined)
  useEffect(() => () => release(recorder.current), [])

  const start = async () => {
    try {
      const media = await navigator.mediaDevices.getUserMedia({ audio: true })
      const parts: Blob[] = []
      const r = new MediaRecorder(media)
      r.ondataavailable = ({ data }) => parts.push(data)
      r.onstop = () => {
        release(r)
        setRecording(false)
        done(new Blob(parts, { type: r.mimeType }))
      }
      r.start()
      recorder.current = r
      setRecording(true)
    } catch {
      // Refused, none there, or a page without https, which has no microphone at all.
      failed('The browser gives no microphone to this page.')
    }
  }
  return { recording, start, stop: () => recorder.current?.stop() }
}

/** The browser shows that it listens as long as a track lives. */
function release(recorder: MediaRecorder | undefined): void {
  for (const track of recorder?.stream.getTracks() ?? []) track.stop()
}
