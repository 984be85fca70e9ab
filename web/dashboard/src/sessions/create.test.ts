import { describe, expect, it } from 'vitest'
import { inputOf, Wish } from './create'

const form = { avatarId: 'avat_1', minutes: '', endUserId: '', metadata: '' }

describe('the form', () => {
  it('asks for no more than was filled in', () => {
    expect(inputOf(form)).toEqual({ input: { avatarId: 'avat_1' } })
    expect(inputOf({ ...form, minutes: '1,5', endUserId: ' me ', metadata: '{"a":1}' })).toEqual({
      input: { avatarId: 'avat_1', maxDuration: 90, endUserId: 'me', metadata: { a: 1 } },
    })
  })

  it.each(['0', '-1', 'ten', '1e'])('refuses %s minutes', (minutes) => {
    expect(inputOf({ ...form, minutes })).toEqual({ errors: { minutes: expect.any(String) as unknown } })
  })

  it('says all that is wrong at once', () => {
    expect(Object.keys((inputOf({ avatarId: '', minutes: 'x', endUserId: '', metadata: '[' }) as { errors: object }).errors)).toEqual(['avatarId', 'minutes', 'metadata'])
  })
})

it('has one idempotency key for one input, and another for another', () => {
  const wish = new Wish()
  const key = wish.keyFor({ avatarId: 'a' })
  expect(wish.keyFor({ avatarId: 'a' })).toBe(key)
  expect(wish.keyFor({ avatarId: 'b' })).not.toBe(key)
  expect(new Wish().keyFor({ avatarId: 'a' })).not.toBe(key)
})
