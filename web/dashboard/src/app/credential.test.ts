import { expect, it } from 'vitest'
import { refuseKey } from './credential'

it('refuses what cannot be an API key, and says what is wanted', () => {
  expect(refuseKey('')).toContain('Enter')
  expect(refuseKey('gr_sess_abc')).toContain('wants an API key')
  expect(refuseKey('gr_avsrv_abc')).toContain('wants an API key')
  expect(refuseKey('gr_live_ü')).toContain('special')
  expect(refuseKey('gr_live_a b')).toContain('special')
})

it('leaves the rest to the server', () => {
  expect(refuseKey('gr_live_abc')).toBeNull()
  expect(refuseKey('gr_test_dev')).toBeNull()
})
