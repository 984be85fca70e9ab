import { expect, test } from 'vitest'
import { isInUse } from './inUse'

test('a key is in use when the stored one begins like it', () => {
  expect(isInUse({ prefix: 'gr_live_abc', revokedAt: null }, 'gr_live_abcdef')).toBe(true)
  expect(isInUse({ prefix: 'gr_live_abd', revokedAt: null }, 'gr_live_abcdef')).toBe(false)
})

test('a revoked key, or one without a prefix, is not', () => {
  expect(isInUse({ prefix: 'gr_live_abc', revokedAt: '2026-01-01T00:00:00.000Z' }, 'gr_live_abcdef')).toBe(false)
  expect(isInUse({ prefix: '', revokedAt: null }, 'gr_live_abcdef')).toBe(false)
})
