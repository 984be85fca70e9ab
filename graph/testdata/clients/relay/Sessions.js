// The documents of a Relay app, as its components would have them.
import { graphql } from 'relay-runtime'

// A list, page by page.
export const list = graphql`
  query SessionsQuery($count: Int!, $filter: SessionFilter) {
    viewer {
      kind
      account {
        id
        name
      }
    }
    ...Sessions_query @arguments(count: $count, filter: $filter)
  }
`

export const listFragment = graphql`
  fragment Sessions_query on Query
  @refetchable(queryName: "SessionsPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }, filter: { type: "SessionFilter" }) {
    sessions(first: $count, after: $cursor, filter: $filter) @connection(key: "Sessions_sessions", filters: ["filter"]) {
      __id
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      edges {
        node {
          id
          ...SessionsCard_session
        }
      }
    }
  }
`

// One session on a card, which can be read again by its id alone.
export const card = graphql`
  fragment SessionsCard_session on Session @refetchable(queryName: "SessionsCardRefetchQuery") {
    id
    revision
    status
    avatarState
    avatar {
      name
    }
  }
`

// The sessions of an avatar, backwards: a connection below a node.
export const avatarFragment = graphql`
  fragment SessionsAvatar_avatar on Avatar
  @refetchable(queryName: "SessionsAvatarPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" }) {
    name
    sessions(last: $count, before: $cursor) @connection(key: "SessionsAvatar_sessions") {
      edges {
        node {
          id
        }
      }
    }
  }
`

// Whatever has this id.
export const node = graphql`
  query SessionsNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ...SessionsCard_session @alias(as: "session")
      ...SessionsAvatar_avatar @alias(as: "avatar")
      ... on Account {
        name
        apiKeys(first: 10) @connection(key: "Sessions_apiKeys") {
          edges {
            node {
              prefix
            }
          }
        }
      }
      ... on SessionEvent {
        type
      }
    }
  }
`

export const create = graphql`
  mutation SessionsCreateMutation($input: CreateSessionInput!) {
    createSession(input: $input) {
      session {
        id
        ...SessionsCard_session
      }
      userErrors {
        code
      }
    }
  }
`

export const end = graphql`
  mutation SessionsEndMutation($id: ID!) {
    endSession(input: { id: $id }) {
      session {
        id
        ...SessionsCard_session
      }
      userErrors {
        code
      }
    }
  }
`

// Keeps the list true, in the order of the fields as the schema asks.
export const changes = graphql`
  subscription SessionsChangesSubscription($filter: SessionFilter, $connections: [ID!]!) {
    sessionChanges(filter: $filter) {
      reset
      changed {
        ...SessionsCard_session
      }
      entered @prependEdge(connections: $connections) {
        cursor
        node {
          ...SessionsCard_session
        }
      }
      leftIds @deleteEdge(connections: $connections)
    }
  }
`

export const updated = graphql`
  subscription SessionsUpdatedSubscription($id: ID!) {
    sessionUpdated(id: $id) {
      ...SessionsCard_session
    }
  }
`
