import { describe, expect, it } from 'vitest'
import { parse, patchOf, summary } from './metadata'

describe('the patch', () => {
  it('sets what is new or other, and removes what is gone', () => {
    expect(patchOf({ keep: 1, change: 'a', gone: true }, { keep: 1, change: 'b', fresh: [1] })).toEqual({ change: 'b', gone: null, fresh: [1] })
  })

  it('is empty when nothing changed, whatever the order of keys', () => {
    expect(patchOf({ a: { x: 1, y: [1, { z: null }] } }, { a: { y: [1, { z: null }], x: 1 } })).toEqual({})
  })

  it('sees an array for what it is', () => {
    expect(patchOf({ a: [] }, { a: {} })).toEqual({ a: {} })
    expect(patchOf({ a: [1] }, { a: { 0: 1 } })).toEqual({ a: { 0: 1 } })
  })

  it('takes hostile keys as keys', () => {
    const next = JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, unknown>
    expect(JSON.stringify(patchOf({}, next))).toBe('{"__proto__":1,"constructor":2}')
    expect(JSON.stringify(patchOf(next, {}))).toBe('{"__proto__":null,"constructor":null}')
  })
})

describe('the text', () => {
  it('may be empty, and loses keys without a value', () => {
    expect(parse(' ')).toEqual({ value: {} })
    expect(parse('{"a": null, "b": {"c": null}}')).toEqual({ value: { b: { c: null } } })
  })

  it.each(['[]', '1', '"x"', 'null'])('is refused when it is no object: %s', (text) => {
    expect(parse(text)).toEqual({ error: expect.stringContaining('JSON object') as unknown })
  })

  it('is refused with its place when it is not JSON', () => {
    expect(parse('{\n  "a": 1,\n}')).toEqual({ error: expect.stringMatching(/not JSON.*line 3|not JSON: a bracket/) as unknown })
  })

  it('is refused above 16 kB, counted in bytes', () => {
    expect(parse(JSON.stringify({ a: 'x'.repeat(16_000) }))).toHaveProperty('value')
    expect(parse(JSON.stringify({ a: 'ü'.repeat(9_000) }))).toHaveProperty('error')
  })
})

it('is summed up in a line, without cutting a letter in two', () => {
  expect(summary({ plan: 'gold', seats: 3, on: { a: 1 } })).toBe('plan: gold, seats: 3, on: {"a":1}')
  expect(summary({})).toBe('')
  expect(summary({ a: '😀😀😀😀' }, 6)).toBe('a: 😀😀…')
})
