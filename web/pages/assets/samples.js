// The whole story of a session, in the order in which one would try it. `variables` gets the
// ids last seen in an answer, so that each step goes on where the one before ended.
export const samples = [
  {
    title: "Who am I, and what may I use?",
    query: `query Viewer {
  serverTime
  viewer {
    kind
    account {
      id
      name
      plan {
        key
        maxConcurrentSessions
        maxSessionDuration
        includedMinutes
      }
      concurrency { current max available }
      usage { periodEnd usedSeconds remainingSeconds }
    }
  }
}
`,
  },
  {
    title: "List avatars",
    query: `query Avatars {
  avatars(first: 10, filter: {archived: false}) {
    nodes { id name url createdAt }
    totalCount
  }
}
`,
  },
  {
    title: "Create a session",
    query: `mutation CreateSession($input: CreateSessionInput!) {
  createSession(input: $input) {
    session {
      id
      status
      startBy
      dailyRoom { url name token tokenExpiresAt exp }
    }
    accessToken
    replayed
    concurrency { current max }
    userErrors { code message field retryAfter }
  }
}
`,
    variables: (seen) => ({
      input: { avatarId: seen.avat ?? "avat_…", metadata: { purpose: "try it out" }, maxDuration: 600 },
    }),
  },
  {
    title: "Start it",
    query: `mutation StartSession($input: StartSessionInput!) {
  startSession(input: $input) {
    session { id status startedAt expiration avatarState }
    wsUri
    userErrors { code message retryAfter }
  }
}
`,
    variables: (seen) => ({ input: { id: seen.sess ?? "sess_…" } }),
  },
  {
    title: "Read it, with everything around it",
    query: `query Session($id: ID!) {
  session(id: $id) {
    id
    revision
    status
    sessionType
    avatar { id name url }
    dailyRoom { url name token tokenExpiresAt exp }
    metadata
    createdAt
    startedAt
    endedAt
    expiration
    duration
    endReason
    avatarState
    events(last: 20) { type at actor detail }
  }
}
`,
    variables: (seen) => ({ id: seen.sess ?? "sess_…" }),
  },
  {
    title: "Watch it change",
    query: `subscription SessionUpdated($id: ID!) {
  sessionUpdated(id: $id) {
    id
    revision
    status
    avatarState
    endReason
  }
}
`,
    variables: (seen) => ({ id: seen.sess ?? "sess_…" }),
  },
  {
    title: "List sessions",
    query: `query Sessions($first: Int, $after: String, $filter: SessionFilter) {
  sessions(first: $first, after: $after, filter: $filter) {
    nodes {
      id
      status
      createdAt
      duration
      endReason
      avatar { name }
    }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}
`,
    variables: () => ({ first: 10, after: null, filter: { status: ["CREATED", "STARTED"] } }),
  },
  {
    title: "Change its metadata",
    query: `mutation UpdateSessionMetadata($input: UpdateSessionMetadataInput!) {
  updateSessionMetadata(input: $input) {
    session { id revision metadata }
    userErrors { code message field }
  }
}
`,
    variables: (seen) => ({ input: { id: seen.sess ?? "sess_…", metadata: { rating: 5 } } }),
  },
  {
    title: "End it",
    query: `mutation EndSession($input: EndSessionInput!) {
  endSession(input: $input) {
    session { id status endedAt duration endReason }
    account { concurrency { current max } }
    userErrors { code message }
  }
}
`,
    variables: (seen) => ({ input: { id: seen.sess ?? "sess_…" } }),
  },
];
