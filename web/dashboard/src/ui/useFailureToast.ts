import { useEffect } from 'react'
import type { CombinedError } from 'urql'
import { sentence } from '../graph/errors'
import type { UserError } from './Refusals'
import { toast } from './toast'

/** Says in the corner why an action was not done, for buttons that have no place for it. */
export function useFailureToast({ error, refusals }: { error?: CombinedError; refusals: UserError[] }): void {
  const refusal = refusals[0]?.message
  useEffect(() => {
    if (error) toast.failed(error)
    else if (refusal) toast.failed(new Error(sentence(refusal)))
  }, [error, refusal])
}
