import { expect, it } from 'vitest'
import { pieces, toBase64, toInt16 } from './pcm'

it('makes signed 16 bit of samples, and clips', () => {
  expect([...toInt16(new Float32Array([0, 1, -1, 0.5, 2, -2]))]).toEqual([0, 32767, -32768, 16384, 32767, -32768])
})

it('is base64 of little endian without a header, however long', () => {
  expect(toBase64(new Int16Array([1, -2]))).toBe('AQD+/w==')
  const long = new Int16Array(100_000).fill(258)
  const bytes = Uint8Array.from(atob(toBase64(long)), (c) => c.charCodeAt(0))
  expect(bytes.length).toBe(200_000)
  expect(bytes.subarray(-2)).toEqual(new Uint8Array([2, 1]))
})

it('is cut into pieces that are together the whole', () => {
  const pcm = Int16Array.from({ length: 25 }, (_, i) => i)
  const cut = pieces(pcm, 10)
  expect(cut.map((p) => p.length)).toEqual([10, 10, 5])
  expect(cut.flatMap((p) => [...p])).toEqual([...pcm])
  expect(pieces(new Int16Array(0))).toEqual([])
})
