import { graphql, type ResultOf } from '../graph/graphql'

export const KeyFacts = graphql(`
  fragment KeyFacts on ApiKey { id name prefix createdAt lastUsedAt revokedAt }
`)
export type KeyFacts = ResultOf<typeof KeyFacts>

export const KeysQuery = graphql(
  `
    query Keys($first: Int, $after: String, $last: Int, $before: String) {
      viewer {
        account {
          id
          apiKeys(first: $first, after: $after, last: $last, before: $before) {
            nodes { ...KeyFacts }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            totalCount
          }
        }
      }
    }
  `,
  [KeyFacts],
)

export const CreateKey = graphql(
  `
    mutation CreateKey($input: CreateApiKeyInput!) {
      createApiKey(input: $input) {
        apiKey { ...KeyFacts }
        secret
        userErrors { code message field retryAfter }
      }
    }
  `,
  [KeyFacts],
)

export const RevokeKey = graphql(
  `
    mutation RevokeKey($input: RevokeApiKeyInput!) {
      revokeApiKey(input: $input) {
        apiKey { ...KeyFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [KeyFacts],
)
