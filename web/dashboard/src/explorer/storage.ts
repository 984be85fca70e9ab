// What GraphiQL remembers. Tabs and history can hold ids and tokens of a customer's sessions, so
// they go when the tab is closed, as the key does. The theme is the dashboard's.
import type { Storage as GraphiQLStorage } from '@graphiql/toolkit'

const prefix = 'graphiql:'
const theme = `${prefix}theme`
const scheme = 'mantine-color-scheme-value' // "light", "dark" or "auto"

function keys(): string[] {
  return Object.keys(sessionStorage).filter((key) => key.startsWith(prefix))
}

const storage: GraphiQLStorage = {
  getItem(key) {
    if (key !== theme) return sessionStorage.getItem(key)
    const chosen = localStorage.getItem(scheme)
    return chosen === 'auto' ? null : chosen
  },
  setItem(key, value) {
    if (key === theme) localStorage.setItem(scheme, value)
    else sessionStorage.setItem(key, value)
  },
  removeItem(key) {
    // GraphiQL says "as the system has it" by removing its theme, also at its start.
    if (key !== theme) sessionStorage.removeItem(key)
    else if (localStorage.getItem(scheme)) localStorage.setItem(scheme, 'auto')
  },
  clear() {
    for (const key of keys()) sessionStorage.removeItem(key)
  },
  get length() {
    return keys().length
  },
}

/** Where the browser refuses storage, GraphiQL gets one that forgets. */
export function availableStorage(): GraphiQLStorage {
  try {
    localStorage.getItem(scheme)
    sessionStorage.getItem(prefix)
    return storage
  } catch {
    return { getItem: () => null, setItem: () => {}, removeItem: () => {}, clear: () => {}, length: 0 }
  }
}
