import { cacheExchange, type Cache } from '@urql/exchange-graphcache'
import { applyChanges, sameFilter, type Changes, type SessionPage } from '../sessions/changes'
import { SessionsQuery } from '../sessions/documents'

const embedded = () => null

/** Graphcache keeps each object with an id once; the rest belongs to what it was read from. */
export const cache = () =>
  cacheExchange({
    keys: {
      ApiKeyConnection: embedded, ApiKeyEdge: embedded, AvatarConnection: embedded, AvatarEdge: embedded,
      Concurrency: embedded, DailyRoom: embedded, PageInfo: embedded,
      Plan: embedded, SessionChanges: embedded, SessionConnection: embedded, SessionEdge: embedded, Usage: embedded, UsageAvatar: embedded, UsageDay: embedded, UsageOtherAvatars: embedded,
      UsageReport: embedded, UserError: embedded, Viewer: embedded, WebhookAttempt: embedded,
      WebhookDeliveryConnection: embedded, WebhookDeliveryEdge: embedded, WebhookEndpointConnection: embedded,
      WebhookEndpointEdge: embedded,
    },
    updates: {
      Subscription: { sessionChanges: followSessions },
      Mutation: {
        // A new one may stand anywhere in the filtered lists: they are read again when they are next shown.
        createAvatar: (_, __, c) => forget(c, 'Query', 'avatars'),
        archiveAvatar: (_, __, c) => forget(c, 'Query', 'avatars'),
        createApiKey: (_, __, c) => forgetOfAccounts(c, 'apiKeys'),
        createWebhookEndpoint: (_, __, c) => forgetOfAccounts(c, 'webhookEndpoints'),
        deleteWebhookEndpoint: (_, __, c) => forgetOfAccounts(c, 'webhookEndpoints'),
      },
    },
  })

/** Keeps the cached pages of the subscription's filter true. */
function followSessions(data: unknown, args: { filter?: unknown }, c: Cache): void {
  const { sessionChanges } = data as { sessionChanges: Changes }
  for (const field of c.inspectFields('Query')) {
    const page = field.arguments as PageArguments | null
    if (field.fieldName !== 'sessions' || !page || !(page.first || page.last)) continue
    if (!sameFilter(page.filter, args.filter)) continue
    c.updateQuery({ query: SessionsQuery, variables: page }, (cached) =>
      cached && { ...cached, sessions: applyChanges(cached.sessions as SessionPage, sessionChanges, page) },
    )
  }
}

type PageArguments = NonNullable<Parameters<typeof applyChanges>[2]> & { filter?: Record<string, unknown> | null }

function forget(c: Cache, entity: string, fieldName: string): void {
  for (const field of c.inspectFields(entity)) {
    if (field.fieldName === fieldName) c.invalidate(entity, field.fieldKey)
  }
}

/** There is one account as a rule; whichever are kept, theirs go. */
const forgetOfAccounts = (c: Cache, fieldName: string): void => {
  const viewer = c.resolve('Query', 'viewer')
  const account = typeof viewer === 'string' ? c.resolve(viewer, 'account') : null
  if (typeof account === 'string') forget(c, account, fieldName)
}

