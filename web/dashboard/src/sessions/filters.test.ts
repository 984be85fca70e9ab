import { describe, expect, it } from 'vitest'
import { fromSearch, isNone, none, scalar, toFilter, toLocal, toPage, toSearch, toUtc, type Filters } from './filters'

const full: Filters = {
  status: ['CREATED', 'STARTED'],
  avatar: ['avat_01'],
  endReason: ['EXPIRED'],
  endUserId: ['a&b=c #"ü'],
  createdAfter: '2026-11-01T00:00:00.000Z',
  createdBefore: '2026-12-01T00:00:00.000Z',
  metadata: ['plan=gold', 'a=b=c'],
}

describe('the address of a list', () => {
  it('holds every condition and the place, whatever is in them', () => {
    expect(fromSearch(toSearch(full, { after: 'c+/=' }))).toEqual({ filters: full, at: { after: 'c+/=' } })
    expect(fromSearch(`?${toSearch(full, { before: 'x' })}`)).toEqual({ filters: full, at: { before: 'x' } })
  })

  it('is empty for the whole list', () => {
    expect(toSearch(none)).toBe('')
    expect(fromSearch('')).toEqual({ filters: none, at: {} })
    expect(isNone(none)).toBe(true)
    expect(isNone({ ...none, metadata: ['x'] })).toBe(false)
  })

  it('leaves out what it does not know, and conditions without a value', () => {
    expect(fromSearch('?utm=1&status=&status=ENDED').filters).toEqual({ ...none, status: ['ENDED'] })
  })

  it('does not share lists between two readings', () => {
    fromSearch('?status=ENDED').filters.status.push('CREATED')
    expect(none.status).toEqual([])
  })
})

describe('what the API is asked', () => {
  it('leaves conditions out that are not set: an empty list would match nothing', () => {
    expect(toFilter(none)).toEqual({})
  })

  it('has all that are set', () => {
    expect(toFilter(full)).toEqual({
      status: ['CREATED', 'STARTED'],
      avatarId: ['avat_01'],
      endReason: ['EXPIRED'],
      endUserId: ['a&b=c #"ü'],
      createdAfter: full.createdAfter,
      createdBefore: full.createdBefore,
      metadata: { plan: 'gold', a: 'b=c' },
    })
  })

  it.each([
    ['gold', 'gold'],
    ['3', 3],
    ['-1.5', -1.5],
    ['true', true],
    ['"3"', '3'],
    ['null', 'null'],
    ['{"a":1}', '{"a":1}'],
    ['', ''],
    // JavaScript would make another number of it.
    ['12345678901234567890', '12345678901234567890'],
    ['1e999', '1e999'],
  ])('reads the value %s', (text, value) => {
    expect(scalar(text)).toBe(value)
  })

  it('reads from the front, behind or ahead of a cursor', () => {
    expect(toPage({})).toEqual({ first: 25 })
    expect(toPage({ after: 'c' })).toEqual({ first: 25, after: 'c' })
    expect(toPage({ before: 'c' })).toEqual({ last: 25, before: 'c' })
  })
})

describe('times of the form', () => {
  it('go to UTC and back', () => {
    expect(toUtc(toLocal('2026-11-22T12:34:00.000Z'))).toBe('2026-11-22T12:34:00.000Z')
  })

  it('are empty when they are none', () => {
    expect(toUtc('')).toBe('')
    expect(toLocal('yesterday')).toBe('')
  })
})
