import { useSyncExternalStore } from 'react'
import type { CombinedError } from 'urql'
import { problemOf } from '../graph/errors'

export interface Toast {
  id: number
  title?: string
  text: string
  failed: boolean
}

/** How long a toast stays, in milliseconds; a failure takes longer to read. */
const stay = { done: 5_000, failed: 10_000 }

let toasts: Toast[] = []
let count = 0
const watchers = new Set<() => void>()

function set(next: Toast[]): void {
  toasts = next
  for (const watcher of watchers) watcher()
}

function show(toast: Omit<Toast, 'id'>): void {
  const id = ++count
  set([...toasts.slice(-3), { id, ...toast }])
  setTimeout(() => dismiss(id), toast.failed ? stay.failed : stay.done)
}

export function dismiss(id: number): void {
  set(toasts.filter((t) => t.id !== id))
}

/** A short word in the corner, for what has no place of its own on the page. */
export const toast = {
  done: (text: string) => show({ text, failed: false }),
  failed: (error: CombinedError | Error) => show({ ...problemOf(error), failed: true }),
}

export function useToasts(): Toast[] {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => toasts,
  )
}
