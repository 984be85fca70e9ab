/** What the stream takes without resampling. */
export const sampleRate = 16_000

/** Samples of -1..1 as signed 16 bit; louder ones are clipped, as a converter does. */
export function toInt16(samples: Float32Array): Int16Array<ArrayBuffer> {
  const out = new Int16Array(samples.length)
  for (let i = 0; i < samples.length; i++) {
    const s = Math.max(-1, Math.min(1, samples[i] ?? 0))
    out[i] = Math.round(s < 0 ? s * 0x8000 : s * 0x7fff)
  }
  return out
}

/** Base64 of raw PCM, little endian whatever the machine. */
export function toBase64(pcm: Int16Array): string {
  const bytes = new Uint8Array(pcm.length * 2)
  const view = new DataView(bytes.buffer)
  pcm.forEach((s, i) => view.setInt16(2 * i, s, true))
  let binary = ''
  // In pieces: the arguments of a call go on the stack.
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(binary)
}

/** Cuts a speech into pieces of a second, which start sooner and can be interrupted sooner. */
export function pieces(pcm: Int16Array, size = sampleRate): Int16Array[] {
  const out: Int16Array[] = []
  for (let i = 0; i < pcm.length; i += size) out.push(pcm.subarray(i, i + size))
  return out
}

/** Decodes what the browser can play and mixes it to 16 kHz mono. Throws for what it cannot play. */
export async function decode(file: Blob): Promise<Int16Array> {
  const encoded = await file.arrayBuffer()
  // Only its decoder is used; it decodes to its own rate.
  const audio = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(encoded)
  const offline = new OfflineAudioContext(1, Math.max(1, Math.ceil(audio.duration * sampleRate)), sampleRate)
  const source = offline.createBufferSource()
  source.buffer = audio
  source.connect(offline.destination)
  source.start()
  return toInt16((await offline.startRendering()).getChannelData(0))
}
