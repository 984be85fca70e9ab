import { createContext, lazy, Suspense, useCallback, useContext, useState, type ReactNode } from 'react'

const ConfirmDialog = lazy(() => import('./ConfirmDialog'))

export interface Question {
  title: string
  body: ReactNode
  /** The button's word, such as "End session". */
  action: string
  /** Of what cannot be taken back. */
  danger?: boolean
}

type Ask = (question: Question) => Promise<boolean>

const Context = createContext<Ask>(() => Promise.resolve(false))

/** Asks before something is done: `if (await confirm({ title, body, action, danger })) …`. */
export const useConfirm = () => useContext(Context)

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Question & { answer: (yes: boolean) => void }>()
  const [open, setOpen] = useState(false)
  const ask = useCallback<Ask>(
    (question) =>
      new Promise((answer) => {
        setAsked({ ...question, answer })
        setOpen(true)
      }),
    [],
  )
  const answer = (yes: boolean) => {
    asked?.answer(yes)
    setOpen(false) // the words stay while the dialog fades
  }
  return (
    <Context value={ask}>
      {children}
      <Suspense>{asked && <ConfirmDialog question={asked} open={open} onAnswer={answer} />}</Suspense>
    </Context>
  )
}
