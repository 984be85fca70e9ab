import { initGraphQLTada } from 'gql.tada'
import type { introspection } from './env.d.ts'

/**
 * Makes typed documents of the schema. Fragments are not masked: the views are few, and each
 * names its fragment's type with `ResultOf`.
 */
export const graphql = initGraphQLTada<{
  introspection: introspection
  disableMasking: true
  scalars: { DateTime: string; JSONObject: Record<string, unknown> }
}>()

export type { ResultOf, VariablesOf } from 'gql.tada'
