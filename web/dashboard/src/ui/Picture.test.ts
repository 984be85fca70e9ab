import { expect, it } from 'vitest'
import { pictureUrl, webUrl } from './Picture'

it.each(['javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'blob:x', '', '//host/x', 'nonsense'])(
  'opens no link to %s',
  (url) => expect(webUrl(url)).toBeUndefined(),
)

it('opens pages and pictures of the web, and pictures in data', () => {
  expect(webUrl('https://a.example/x?y#z')).toBe('https://a.example/x?y#z')
  expect(webUrl('http://127.0.0.1:8080/r')).toBe('http://127.0.0.1:8080/r')
  expect(pictureUrl('data:image/png;base64,AA')).toBe('data:image/png;base64,AA')
  expect(pictureUrl('data:text/html,x')).toBeUndefined()
})
