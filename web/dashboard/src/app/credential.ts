import { meta } from './meta'

const slot = 'greenroom.key'

/** A sign-out is kept too: with --dev the server would sign the tab in again at once. */
const out = 'out'

/** The key of this tab: what was typed in here or, with --dev, what the server has put into the page. */
export function storedKey(): string {
  const stored = sessionStorage.getItem(slot)
  if (stored === out) return ''
  return stored ?? meta('greenroom-key')
}

export function keepKey(key: string): void {
  sessionStorage.setItem(slot, key)
}

/** Forgets the key, and the access tokens that came with it. */
export function forgetKey(): void {
  sessionStorage.clear()
  sessionStorage.setItem(slot, out)
}

/** Says what is wrong with a key before it is sent anywhere; null when nothing is. */
export function refuseKey(key: string): string | null {
  if (!key) return 'Enter an API key.'
  if (key.startsWith('gr_sess_'))
    return 'This is an access token: it opens one session only. The dashboard wants an API key, which begins with gr_live_.'
  if (key.startsWith('gr_avsrv_')) return 'This is an avatar server’s key. The dashboard wants an API key, which begins with gr_live_.'
  // Such a character cannot be sent in a header, and no key has one.
  if (!/^[\x21-\x7e]+$/.test(key)) return 'An API key has no spaces and no special characters.'
  return null
}
