import { graphql, type ResultOf } from '../graph/graphql'

export const AvatarFacts = graphql(`
  fragment AvatarFacts on Avatar { id name url createdAt archivedAt }
`)
export type AvatarFacts = ResultOf<typeof AvatarFacts>

export const AvatarsQuery = graphql(
  `
    query Avatars($first: Int, $after: String, $last: Int, $before: String, $filter: AvatarFilter) {
      avatars(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
        nodes { ...AvatarFacts }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        totalCount
      }
    }
  `,
  [AvatarFacts],
)

export const CreateAvatar = graphql(
  `
    mutation CreateAvatar($input: CreateAvatarInput!) {
      createAvatar(input: $input) {
        avatar { ...AvatarFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [AvatarFacts],
)

export const UpdateAvatar = graphql(
  `
    mutation UpdateAvatar($input: UpdateAvatarInput!) {
      updateAvatar(input: $input) {
        avatar { ...AvatarFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [AvatarFacts],
)

export const ArchiveAvatar = graphql(
  `
    mutation ArchiveAvatar($input: ArchiveAvatarInput!) {
      archiveAvatar(input: $input) {
        avatar { ...AvatarFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [AvatarFacts],
)
