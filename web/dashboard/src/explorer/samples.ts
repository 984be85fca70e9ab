// The whole story of a session, in the order in which one would try it: a tab each. A tab is named
// after its operation.
import { placeholders } from './ids'

export interface Sample {
  /** For the list of samples. */
  title: string
  query: string
  variables?: Record<string, unknown>
}

const { avatar, session, endpoint } = placeholders

export const samples: Sample[] = [
  {
    title: 'Who am I, and what may I use?',
    query: `# Ctrl-Enter (or Cmd-Enter) runs this. The next
# tabs go on from here: each one takes the ids
# that the answers before it had.
query WhoAmI {
  serverTime
  viewer {
    kind
    account {
      id
      name
      plan { key maxConcurrentSessions maxSessionDuration includedMinutes }
      concurrency { current max available }
    }
  }
}
`,
  },
  {
    title: 'List avatars',
    query: `# Whom a session can show. The first one goes into
# the next tab's variables.
query Avatars {
  avatars(first: 10, filter: { archived: false }) {
    nodes { id name url createdAt }
    totalCount
  }
}
`,
  },
  {
    title: 'Create a session',
    query: `# Takes a place of your plan and makes a private
# video room. Nothing is charged until it is
# started. Hand accessToken to the phone or
# browser of your user: it opens this one session.
# What you can act on is in userErrors.
mutation CreateSession($input: CreateSessionInput!) {
  createSession(input: $input) {
    session {
      id
      status
      startBy
      dailyRoom { url token tokenExpiresAt }
    }
    accessToken
    replayed
    concurrency { current max }
    userErrors { code message field retryAfter }
  }
}
`,
    variables: { input: { avatarId: avatar, metadata: { user_name: 'John Doe' }, maxDuration: 600 } },
  },
  {
    title: 'Start it',
    query: `# Waits up to 20 seconds for the avatar to be in
# the room. With AVATAR_NOT_READY, run it again:
# it joins the wait. wsUri takes what the avatar
# shall say.
mutation StartSession($input: StartSessionInput!) {
  startSession(input: $input) {
    session { id status avatarState startedAt expiration }
    wsUri
    userErrors { code message retryAfter }
  }
}
`,
    variables: { input: { id: session } },
  },
  {
    title: 'Read it, as a phone does',
    query: `# One query for a whole screen. A phone sends its
# access token instead of an API key, and then
# needs no id: viewer { session { … } }
query ReadSession($id: ID!) {
  session(id: $id) {
    id
    revision
    status
    avatarState
    avatar { id name url }
    dailyRoom { url token tokenExpiresAt exp }
    metadata
    startedAt
    expiration
    duration
    endReason
    events(last: 20) { type at actor detail }
  }
}
`,
    variables: { id: session },
  },
  {
    title: 'Watch it',
    query: `# Tells the present at once, then every change.
# Run it, and end the session in another window:
# the dashboard, or this page a second time.
subscription WatchSession($id: ID!) {
  sessionUpdated(id: $id) {
    id
    revision
    status
    avatarState
    endReason
    metadata
    events(last: 1) { type at actor }
  }
}
`,
    variables: { id: session },
  },
  {
    title: 'List sessions',
    query: `# Newest first. For the next page give
# pageInfo.endCursor as $after.
query Sessions($first: Int, $after: String, $filter: SessionFilter) {
  sessions(first: $first, after: $after, filter: $filter) {
    nodes { id status createdAt duration endReason avatar { name } }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}
`,
    variables: { first: 10, after: null, filter: { status: ['CREATED', 'STARTED'] } },
  },
  {
    title: 'Change its metadata',
    query: `# A merge: keys given are set, keys given as null
# are removed, others stay.
mutation UpdateMetadata($input: UpdateSessionMetadataInput!) {
  updateSessionMetadata(input: $input) {
    session { id revision metadata }
    userErrors { code message field }
  }
}
`,
    variables: { input: { id: session, metadata: { rating: 5, user_name: null } } },
  },
  {
    title: 'End it',
    query: `# Works from CREATED and STARTED. On an ended
# session it changes nothing and succeeds, so it
# can be repeated.
mutation EndSession($input: EndSessionInput!) {
  endSession(input: $input) {
    session { id status endedAt duration endReason }
    account { concurrency { current max } }
    userErrors { code message }
  }
}
`,
    variables: { input: { id: session } },
  },
  {
    title: 'Usage',
    query: `# The month's minutes, and a report of any range
# up to 366 days.
query Usage($from: DateTime!, $to: DateTime!) {
  viewer {
    account {
      usage { periodStart periodEnd usedSeconds remainingSeconds }
      usageReport(from: $from, to: $to) {
        sessions
        seconds
        avatars { avatar { id name } sessions seconds }
      }
    }
  }
}
`,
    variables: month(),
  },
  {
    title: 'Webhooks',
    query: `# Your own endpoints, and how the newest
# deliveries went.
query Webhooks {
  viewer {
    account {
      webhookEndpoints(first: 10) {
        nodes {
          id
          url
          eventTypes
          disabledAt
          failingSince
          deliveries(first: 5) {
            nodes { id eventType state attempts { at httpStatus latency error } }
          }
        }
      }
    }
  }
}
`,
  },
  {
    title: 'Send a test webhook',
    query: `# The endpoint is the first one of your list. No
# endpoint yet? Make one on the dashboard's page
# "Webhooks", or with createWebhookEndpoint.
mutation SendTestWebhook($input: SendTestWebhookInput!) {
  sendTestWebhook(input: $input) {
    webhookDelivery { id state nextAttemptAt }
    userErrors { code message }
  }
}
`,
    variables: { input: { id: endpoint } },
  },
]

/** This calendar month (UTC), the period that plans count in. */
function month(): { from: string; to: string } {
  const now = new Date()
  const first = (offset: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1))
  return { from: first(0).toISOString(), to: first(1).toISOString() }
}

/** A sample's variables as text, with the ids that are known by now. */
export function variablesOf(sample: Sample): string {
  return sample.variables ? JSON.stringify(sample.variables, null, 2) : ''
}

/** The name of its operation, which is its tab's title. */
export function operationName(sample: Sample): string {
  return /^(?:query|mutation|subscription) (\w+)/m.exec(sample.query)?.[1] ?? sample.title
}
