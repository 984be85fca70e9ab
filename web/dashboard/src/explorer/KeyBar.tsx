// The line above the editor: whose key is in use, and where to give another one.
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'

interface Props {
  /** The key in use; empty if none. */
  given: string
  /** Whom the server took it for. Null: not known (yet). */
  caller: string | null
  refused: boolean
  onGive(key: string): void
}

export function KeyBar({ given, caller, refused, onGive }: Props) {
  const [editing, setEditing] = useState(given === '')
  const [shown, setShown] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  const open = editing || refused

  // Opened by hand: the field is what comes next. Opened by a refusal, the reader is elsewhere.
  useEffect(() => {
    if (editing) field.current?.focus()
  }, [editing])

  function give(event: FormEvent) {
    event.preventDefault()
    const key = field.current?.value.trim() ?? ''
    setEditing(key === '')
    setShown(false)
    onGive(key)
  }

  return (
    <header className="key-bar">
      <h1>
        <a href="/">Greenroom</a> <span className="quiet">explorer</span>
      </h1>
      <form onSubmit={give} className={refused ? 'key refused' : 'key'}>
        <span role="status" className="caller" id={`${id}-note`}>
          {note(given, caller, refused)}
        </span>
        {open ? (
          <>
            <label htmlFor={id}>API key or access token</label>
            <input
              ref={field}
              id={id}
              defaultValue={given}
              type={shown ? 'text' : 'password'}
              placeholder="gr_live_…"
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              aria-invalid={refused}
              aria-describedby={`${id}-note`}
            />
            <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
              {shown ? 'Hide' : 'Show'}
            </button>
            <button type="submit" className="primary">
              Use
            </button>
          </>
        ) : (
          <button type="button" onClick={() => setEditing(true)}>
            Change key
          </button>
        )}
      </form>
    </header>
  )
}

function note(given: string, caller: string | null, refused: boolean): string {
  if (refused) return given ? 'This key is not accepted: give another one.' : 'Operations need a key: give one.'
  if (!given) return 'Give a key to begin. It is kept for this tab only.'
  return caller ?? ''
}
