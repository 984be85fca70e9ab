import { describe, expect, it } from 'vitest'
import { applyChanges, sameFilter, type SessionEdge, type SessionPage } from './changes'
import type { SessionRow } from './documents'

const edge = (id: string): SessionEdge => ({ cursor: `c${id}`, node: { id } as SessionRow })
const page = (ids: string[], more: Partial<SessionPage['pageInfo']> = {}, totalCount = ids.length): SessionPage => ({
  edges: ids.map(edge),
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: `c${ids[0]}`, endCursor: `c${ids.at(-1)}`, ...more },
  totalCount,
})
const ids = (p: SessionPage) => p.edges.map((e) => e.node.id)
const first = { first: 3 }

describe('a page after a change', () => {
  it('takes what entered on top, newest first, and stays as long as it is', () => {
    const after = applyChanges(page(['3', '2', '1']), { reset: false, entered: [edge('4'), edge('5')], leftIds: [] }, first)
    expect(ids(after)).toEqual(['5', '4', '3'])
    expect(after.totalCount).toBe(5)
    expect(after.pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: false, startCursor: 'c5', endCursor: 'c3' })
  })

  it('puts one that comes back to where it belongs', () => {
    const after = applyChanges(page(['3', '1']), { reset: false, entered: [edge('2')], leftIds: [] }, first)
    expect(ids(after)).toEqual(['3', '2', '1'])
    expect(after.pageInfo.hasNextPage).toBe(false)
  })

  it('loses what left, and counts it wherever it was', () => {
    const after = applyChanges(page(['3', '2', '1'], {}, 9), { reset: false, leftIds: ['2', '0'] }, first)
    expect(ids(after)).toEqual(['3', '1'])
    expect(after.totalCount).toBe(7)
  })

  it('does not take twice what it shows already', () => {
    const after = applyChanges(page(['2', '1']), { reset: false, entered: [edge('2')], leftIds: [] }, first)
    expect(ids(after)).toEqual(['2', '1'])
    expect(after.totalCount).toBe(2)
  })

  it('only counts new ones when it is not the first', () => {
    const after = applyChanges(page(['2', '1']), { reset: false, entered: [edge('9')], leftIds: [] }, { first: 3, after: 'c3' })
    expect(ids(after)).toEqual(['2', '1'])
    expect(after.totalCount).toBe(3)
  })

  it('keeps its cursors when it has lost all its rows', () => {
    const after = applyChanges(page(['1'], { hasPreviousPage: true }), { reset: false, leftIds: ['1'] }, { first: 3, after: 'c2' })
    expect(after.pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: true, startCursor: 'c1', endCursor: 'c1' })
    expect(after.totalCount).toBe(0)
  })

  it('stays as it is at a reset: it is read again', () => {
    const before = page(['1'])
    expect(applyChanges(before, { reset: true, entered: [edge('2')], leftIds: ['1'] }, first)).toBe(before)
  })
})

describe('two filters are the same', () => {
  it('whatever the order of their keys, and whether no condition is left out or null', () => {
    expect(sameFilter({ status: ['ENDED'], metadata: { a: 1, b: 2 } }, { metadata: { b: 2, a: 1 }, status: ['ENDED'], endUserId: null })).toBe(true)
    expect(sameFilter(undefined, {})).toBe(true)
  })

  it('but not when a condition differs', () => {
    expect(sameFilter({ status: ['ENDED'] }, {})).toBe(false)
    expect(sameFilter({ metadata: { a: 1 } }, { metadata: { a: '1' } })).toBe(false)
  })
})
