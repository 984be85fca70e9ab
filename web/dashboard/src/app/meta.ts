/**
 * What the server tells the page, by `<meta name=…>`. A placeholder that nobody has replaced, as
 * with Vite's own server, counts as empty.
 */
export function meta(name: 'greenroom-key' | 'style-nonce'): string {
  const content = document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? ''
  return /^%[A-Z_]+%$/.test(content) ? '' : content
}
