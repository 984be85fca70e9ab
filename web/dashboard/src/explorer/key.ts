// Where the explorer has its credential from. It may be an access token, too, which is why it is
// kept apart from the dashboard's key: trying a phone's token must not sign anybody out.

import { storedKey } from '../app/credential'
import { meta } from '../app/meta'

const own = 'greenroom.explorer.key'

/** The key last given here, else the dashboard's, else what the server offers; empty if none. */
export function initialKey(): string {
  try {
    return sessionStorage.getItem(own) || storedKey()
  } catch {
    return meta('greenroom-key') // storage may be turned off
  }
}

/** Keeps the key for this tab, until it is closed. An empty one forgets it. */
export function keepKey(key: string): void {
  try {
    if (key) sessionStorage.setItem(own, key)
    else sessionStorage.removeItem(own)
  } catch {
    // the page works without
  }
}
