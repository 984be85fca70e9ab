/** Whether a key is, to all that is known of it here, the one that this tab signed in with. */
export function isInUse(key: { prefix: string; revokedAt: string | null }, stored: string): boolean {
  return !key.revokedAt && key.prefix !== '' && stored.startsWith(key.prefix)
}
