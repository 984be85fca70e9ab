// How the schema is linted: all rules that are recommended, and Relay's. What bends says why.
import graphql from '@graphql-eslint/eslint-plugin'
import { schemaFile } from './schema.mjs'

export default [
  {
    files: ['**/*.graphqls'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: schemaFile } } },
    plugins: { '@graphql-eslint': graphql },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            // Values within an object: they are read and cached with it, and never by themselves.
            types: [
              'Concurrency', 'DailyRoom', 'PageInfo', 'Plan', 'Usage', 'UsageAvatar', 'UsageDay', 'UsageOtherAvatars',
              'UsageReport', 'UserError', 'Viewer', 'WebhookAttempt',
            ],
            // Answers and messages, not things: their ids would name nothing.
            suffixes: ['Changes', 'Connection', 'Edge', 'Payload'],
          },
        },
      ],
      // Short lists are plain ones, as userErrors, holders and events; connections have nodes beside edges.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
]
