import type { subscriptionExchange } from 'urql'

/** urql names this type only within the options of its exchange. */
export type SubscriptionForwarder = Parameters<typeof subscriptionExchange>[0]['forwardSubscription']
