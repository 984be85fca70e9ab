import { expect, test } from 'vitest'
import { fromSearch, toPath, toVariables } from './address'

test('an address without anything lists the usable avatars', () => {
  expect(toVariables(fromSearch(''))).toEqual({ first: 24, filter: { archived: false } })
})

test('an address comes back as it was', () => {
  for (const path of ['/avatars', '/avatars?name=a+%26+b&show=archived&after=c', '/avatars?show=all&before=c']) {
    expect(toPath(fromSearch(path.split('?')[1] ?? ''))).toBe(path)
  }
})

test('what an address should not have is left out', () => {
  expect(fromSearch('show=everything&first=9999')).toEqual({ name: '', show: 'usable', at: {} })
})

test('all and a name filter by the name alone', () => {
  expect(toVariables({ name: 'Ada', show: 'all', at: { before: 'c' } })).toEqual({ last: 24, before: 'c', filter: { nameContains: 'Ada' } })
})
