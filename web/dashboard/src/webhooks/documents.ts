import { graphql, type ResultOf } from '../graph/graphql'

export const EndpointFacts = graphql(`
  fragment EndpointFacts on WebhookEndpoint {
    id
    url
    description
    eventTypes
    createdAt
    disabledAt
    disabledReason
    failingSince
  }
`)
export type EndpointFacts = ResultOf<typeof EndpointFacts>

export const DeliveryFacts = graphql(`
  fragment DeliveryFacts on WebhookDelivery {
    id
    eventId
    eventType
    sessionId
    endpointId
    createdAt
    state
    nextAttemptAt
    finishedAt
    attempts { at httpStatus latency error }
  }
`)
export type DeliveryFacts = ResultOf<typeof DeliveryFacts>

/** An account has 16 endpoints at most, so one page has them all. */
export const EndpointsQuery = graphql(
  `
    query Endpoints {
      viewer {
        account {
          id
          webhookEndpoints(first: 100) { nodes { ...EndpointFacts } }
        }
      }
    }
  `,
  [EndpointFacts],
)

export const EndpointQuery = graphql(
  `
    query Endpoint($id: ID!) { node(id: $id) { __typename id ... on WebhookEndpoint { ...EndpointFacts } } }
  `,
  [EndpointFacts],
)

export const DeliveriesQuery = graphql(
  `
    query Deliveries($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      node(id: $id) {
        __typename
        id
        ... on WebhookEndpoint {
          failingSince
          disabledAt
          disabledReason
          deliveries(first: $first, after: $after, last: $last, before: $before) {
            nodes { ...DeliveryFacts }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            totalCount
          }
        }
      }
    }
  `,
  [DeliveryFacts],
)

export const CreateEndpoint = graphql(
  `
    mutation CreateEndpoint($input: CreateWebhookEndpointInput!) {
      createWebhookEndpoint(input: $input) {
        webhookEndpoint { ...EndpointFacts }
        secret
        userErrors { code message field retryAfter }
      }
    }
  `,
  [EndpointFacts],
)

export const UpdateEndpoint = graphql(
  `
    mutation UpdateEndpoint($input: UpdateWebhookEndpointInput!) {
      updateWebhookEndpoint(input: $input) {
        webhookEndpoint { ...EndpointFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [EndpointFacts],
)

export const RotateSecret = graphql(
  `
    mutation RotateSecret($input: RotateWebhookSecretInput!) {
      rotateWebhookSecret(input: $input) {
        webhookEndpoint { ...EndpointFacts }
        secret
        previousSecretExpiresAt
        userErrors { code message field retryAfter }
      }
    }
  `,
  [EndpointFacts],
)

export const DisableEndpoint = graphql(
  `
    mutation DisableEndpoint($input: DisableWebhookEndpointInput!) {
      disableWebhookEndpoint(input: $input) {
        webhookEndpoint { ...EndpointFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [EndpointFacts],
)

export const EnableEndpoint = graphql(
  `
    mutation EnableEndpoint($input: EnableWebhookEndpointInput!) {
      enableWebhookEndpoint(input: $input) {
        webhookEndpoint { ...EndpointFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [EndpointFacts],
)

export const DeleteEndpoint = graphql(`
  mutation DeleteEndpoint($input: DeleteWebhookEndpointInput!) {
    deleteWebhookEndpoint(input: $input) {
      deletedWebhookEndpointId
      userErrors { code message field retryAfter }
    }
  }
`)

export const SendTest = graphql(
  `
    mutation SendTest($input: SendTestWebhookInput!) {
      sendTestWebhook(input: $input) {
        webhookDelivery { ...DeliveryFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [DeliveryFacts],
)

export const Replay = graphql(
  `
    mutation Replay($input: ReplayWebhookDeliveryInput!) {
      replayWebhookDelivery(input: $input) {
        webhookDelivery { ...DeliveryFacts }
        userErrors { code message field retryAfter }
      }
    }
  `,
  [DeliveryFacts],
)
