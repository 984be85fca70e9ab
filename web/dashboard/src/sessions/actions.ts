import { graphql } from '../graph/graphql'
import { SessionFacts } from './documents'

export const StartSession = graphql(
  `
    mutation StartSession($input: StartSessionInput!) {
      startSession(input: $input) {
        session { ...SessionFacts }
        wsUri
        userErrors { code message field retryAfter }
      }
    }
  `,
  [SessionFacts],
)

export const EndSession = graphql(
  `
    mutation EndSession($input: EndSessionInput!) {
      endSession(input: $input) {
        session { ...SessionFacts }
        account { id concurrency { current max available } }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [SessionFacts],
)

export const UpdateMetadata = graphql(
  `
    mutation UpdateSessionMetadata($input: UpdateSessionMetadataInput!) {
      updateSessionMetadata(input: $input) {
        session { ...SessionFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [SessionFacts],
)

export const RotateToken = graphql(
  `
    mutation RotateAccessToken($input: RotateAccessTokenInput!) {
      rotateAccessToken(input: $input) {
        session { ...SessionFacts }
        accessToken
        userErrors { code message field retryAfter }
      }
    }
  `,
  [SessionFacts],
)

export const CreateSession = graphql(
  `
    mutation CreateSession($input: CreateSessionInput!) {
      createSession(input: $input) {
        session { ...SessionFacts }
        accessToken
        replayed
        concurrency { current max holders { id revision status createdAt avatar { id name } } }
        account { id concurrency { current max available } }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [SessionFacts],
)
