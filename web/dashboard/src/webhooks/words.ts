import type { Colour } from '../ui/Status'
import type { DeliveryFacts, EndpointFacts } from './documents'

/** What an endpoint can be told of, in the order of a session's life. */
export const eventTypes = ['SESSION_CREATED', 'SESSION_STARTED', 'SESSION_EXPIRING', 'SESSION_ENDED'] as const
export type EventType = (typeof eventTypes)[number]

export const eventHints: Record<EventType, string> = {
  SESSION_CREATED: 'The room is ready; it can be joined and started.',
  SESSION_STARTED: 'The avatar is in the room.',
  SESSION_EXPIRING: 'The end is a minute away.',
  SESSION_ENDED: 'With the reason and the duration.',
}

/** In the order of a session's life, whatever was ticked first. Types newer than this page stay, at the end. */
export function inOrder(types: string[]): EventType[] {
  const unknown = types.filter((type) => !eventTypes.some((known) => known === type))
  return [...eventTypes.filter((known) => types.includes(known)), ...(unknown as EventType[])]
}

/** `SESSION_ENDED` as receivers see it: `session.ended`. */
export function eventName(type: string): string {
  return type.toLowerCase().replace('_', '.')
}

/** How an endpoint is, in two words. */
export function endpointState({ disabledAt, disabledReason, failingSince }: EndpointState): [Colour, string] {
  if (disabledAt) return disabledReason === 'REQUESTED' ? ['done', 'Disabled'] : ['bad', 'Disabled']
  return failingSince ? ['bad', 'Failing'] : ['good', 'Active']
}

export type EndpointState = Pick<EndpointFacts, 'disabledAt' | 'disabledReason' | 'failingSince'>

/** Why an endpoint is sent nothing. */
export function disabledBecause(reason: string | null): string {
  switch (reason) {
    case 'REQUESTED':
      return 'Somebody disabled it.'
    case 'FAILING':
      return 'Every try for five days failed. The delivery log says how.'
    case 'GONE':
      return 'It answered 410 Gone, which means that it wants nothing more.'
    default:
      return 'It is sent nothing.'
  }
}

const states: Record<string, [Colour, string]> = {
  PENDING: ['idle', 'Pending'],
  SENDING: ['busy', 'Sending'],
  DELIVERED: ['good', 'Delivered'],
  FAILED: ['bad', 'Failed'],
}

/** How far a delivery has come; one that has just failed and waits is not the same as a new one. */
export function deliveryState(delivery: Pick<DeliveryFacts, 'state' | 'attempts'>): [Colour, string] {
  if (delivery.state === 'PENDING' && delivery.attempts.at(-1)?.error) return ['busy', 'Trying again']
  return states[delivery.state] ?? ['done', delivery.state]
}

/** How one try ended: what was answered, and how long it took. */
export function outcome(attempt: DeliveryFacts['attempts'][number]): string {
  const took = attempt.latency < 1000 ? `${attempt.latency} ms` : `${(attempt.latency / 1000).toFixed(1)} s`
  return `${attempt.httpStatus ?? 'No answer'}, ${took}`
}

const quick = 3_000
const slow = 30_000

/**
 * Milliseconds until the log is worth reading again: soon while something is about to change, and
 * otherwise now and then, for what is new.
 */
export function refreshEvery(deliveries: Pick<DeliveryFacts, 'state' | 'nextAttemptAt'>[], now: number): number {
  const soon = deliveries.some(
    ({ state, nextAttemptAt }) => state === 'SENDING' || (state === 'PENDING' && nextAttemptAt !== null && Date.parse(nextAttemptAt) - now < 60_000),
  )
  return soon ? quick : slow
}
