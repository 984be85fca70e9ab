import { useSyncExternalStore } from 'react'

/**
 * The access tokens that this tab has been given: by New session, or by making a new one. The
 * API never shows one again, so they are kept as long as the tab, and go with the sign-out.
 */
const slot = (id: string) => `greenroom.token.${id}`
const watchers = new Set<() => void>()

/** Sessions whose token has not been shown yet. */
const unshown = new Set<string>()

export function keepToken(id: string, token: string): void {
  sessionStorage.setItem(slot(id), token)
  unshown.add(id)
  for (const watcher of watchers) watcher()
}

/** Never to be shown again, though the tab may go on using it. */
export function markShown(id: string): void {
  unshown.delete(id)
  for (const watcher of watchers) watcher()
}

function watch(watcher: () => void) {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

/** The session's token, if this tab has it. */
export function useToken(id: string): string | null {
  return useSyncExternalStore(watch, () => sessionStorage.getItem(slot(id)))
}

/** The same, until it has been shown. */
export function useUnshownToken(id: string): string | null {
  return useSyncExternalStore(watch, () => (unshown.has(id) ? sessionStorage.getItem(slot(id)) : null))
}
