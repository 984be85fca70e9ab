import { CombinedError } from 'urql'

/** A failure in plain words, for whoever looks at the page. */
export interface Problem {
  /** As in `errors[].extensions.code`, or `NETWORK` when no answer came. */
  code: string
  title: string
  text: string
  /** Seconds after which asking again may help. */
  retryAfter?: number
  /** Under which the server has logged an INTERNAL error. */
  requestId?: string
}

/** Says what went wrong. The first error decides: the others are as a rule the same one. */
export function problemOf(error: CombinedError | Error): Problem {
  if (!(error instanceof CombinedError)) return { code: 'UNEXPECTED', title: 'Something went wrong', text: error.message }
  const first = error.graphQLErrors[0]
  if (!first) return { code: 'NETWORK', title: 'The server cannot be reached', text: 'Check your connection, then try again.' }
  const { code, retryAfter, requestId } = first.extensions as { code?: string; retryAfter?: number; requestId?: string }
  return { code: code ?? 'UNEXPECTED', retryAfter, requestId, ...words(code, first.message) }
}

function words(code: string | undefined, message: string): { title: string; text: string } {
  switch (code) {
    case 'UNAUTHENTICATED':
      return { title: 'You are signed out', text: 'This API key is not valid, or not any more.' }
    case 'FORBIDDEN':
      return { title: 'Not allowed', text: 'This credential may not do that.' }
    case 'RATE_LIMITED':
      return { title: 'Too many requests', text: 'The server asks for a short pause.' }
    case 'UNAVAILABLE':
      return { title: 'The server is busy', text: sentence(message) }
    case 'INTERNAL':
      return { title: 'The server made a mistake', text: 'It has been written to the server’s log.' }
    default:
      return { title: 'The server refused this', text: sentence(message) }
  }
}

/** The server's messages begin lower case and end without a full stop, as Go has them. */
export function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?…]$/.test(text) ? text : `${text}.`
}

/** Whether the credential itself was refused. */
export function isSignedOut(error: CombinedError): boolean {
  return error.graphQLErrors.some((e) => e.extensions.code === 'UNAUTHENTICATED')
}
