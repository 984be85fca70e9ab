import { parse, type Metadata } from './metadata'

/** The form of New session, as typed. */
export interface Form {
  avatarId: string
  minutes: string
  endUserId: string
  metadata: string
}

export type Errors = Partial<Record<keyof Form, string>>

export interface Input {
  avatarId: string
  maxDuration?: number
  endUserId?: string
  metadata?: Metadata
}

/** Reads the form; what is wrong stands beside its field. The server has the last word. */
export function inputOf(form: Form): { input: Input } | { errors: Errors } {
  const errors: Errors = {}
  if (!form.avatarId) errors.avatarId = 'Choose an avatar.'
  const seconds = Math.round(Number(form.minutes.replace(',', '.')) * 60)
  if (form.minutes.trim() && !(seconds >= 1)) errors.minutes = 'Enter a number of minutes above 0.'
  const metadata = parse(form.metadata)
  if ('error' in metadata) errors.metadata = metadata.error
  if (Object.keys(errors).length > 0 || 'error' in metadata) return { errors }
  return {
    input: {
      avatarId: form.avatarId,
      ...(form.minutes.trim() && { maxDuration: seconds }),
      ...(form.endUserId.trim() && { endUserId: form.endUserId.trim() }),
      ...(Object.keys(metadata.value).length > 0 && { metadata: metadata.value }),
    },
  }
}

/**
 * One key for one wish: pressing twice, or again after a lost reply, makes one session. Another
 * input is another wish.
 */
export class Wish {
  private input = ''
  private key = ''

  keyFor(input: Input): string {
    const asked = JSON.stringify(input)
    if (asked !== this.input || !this.key) {
      this.input = asked
      this.key = uuid()
    }
    return this.key
  }
}

/** crypto.randomUUID exists on https and localhost only; a server may be tried out by plain http. */
function uuid(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}
