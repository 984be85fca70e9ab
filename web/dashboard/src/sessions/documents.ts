import { graphql, type ResultOf } from '../graph/graphql'

/** What a line of the list shows. */
export const SessionRow = graphql(`
  fragment SessionRow on Session {
    id
    revision
    status
    avatarState
    endReason
    createdAt
    startBy
    startedAt
    endedAt
    expiration
    duration
    endUserId
    metadata
    avatar { id name url }
  }
`)
export type SessionRow = ResultOf<typeof SessionRow>

/** Everything of one session. */
export const SessionFacts = graphql(
  `
    fragment SessionFacts on Session {
      ...SessionRow
      sessionType
      maxDuration
      dailyRoom { url name token tokenExpiresAt exp }
      events { id type at actor detail }
    }
  `,
  [SessionRow],
)
export type SessionFacts = ResultOf<typeof SessionFacts>
export type SessionEvent = SessionFacts['events'][number]

export const SessionsQuery = graphql(
  `
    query Sessions($first: Int, $after: String, $last: Int, $before: String, $filter: SessionFilter) {
      sessions(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
        edges { cursor node { ...SessionRow } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        totalCount
      }
    }
  `,
  [SessionRow],
)

export const SessionChangesFeed = graphql(
  `
    subscription SessionChanges($filter: SessionFilter) {
      sessionChanges(filter: $filter) {
        reset
        changed { ...SessionRow }
        entered { cursor node { ...SessionRow } }
        leftIds
      }
    }
  `,
  [SessionRow],
)

export const SessionQuery = graphql(
  `
    query Session($id: ID!) { session(id: $id) { ...SessionFacts } }
  `,
  [SessionFacts],
)

export const SessionFeed = graphql(
  `
    subscription SessionUpdated($id: ID!) { sessionUpdated(id: $id) { ...SessionFacts } }
  `,
  [SessionFacts],
)

/** How many run and wait, over all pages and whatever the filter of the list is. */
export const SessionCounts = graphql(`
  query SessionCounts {
    running: sessions(filter: { status: [STARTED] }) { totalCount }
    waiting: sessions(filter: { status: [CREATED] }) { totalCount }
  }
`)

export const ActiveFeed = graphql(`
  subscription ActiveSessions {
    sessionChanges(filter: { status: [CREATED, STARTED] }) { reset changed { id } leftIds }
  }
`)
