import { expect, test } from 'vitest'
import { toCsv } from './csv'

test('numbers and plain texts stand as they are', () => {
  expect(toCsv([['avatar', 'seconds'], ['Ada', 61], ['Søren 😀', -1]])).toBe('avatar,seconds\r\nAda,61\r\nSøren 😀,-1\r\n')
})

test('commas, quotes and line ends are quoted', () => {
  expect(toCsv([['a,b', 'say "hi"', 'two\nlines']])).toBe('"a,b","say ""hi""","two\nlines"\r\n')
})

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '  =1', '\u200b=1', '＝1', '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", '|x', '%0A'])(
  '%j cannot be run as a formula',
  (name) => {
    expect(toCsv([[name]]).replace(/^"/, '').startsWith("'")).toBe(true)
  },
)

test('a sign within a name is no formula', () => {
  expect(toCsv([['Anna-Maria = A+B@home']])).toBe('Anna-Maria = A+B@home\r\n')
})
