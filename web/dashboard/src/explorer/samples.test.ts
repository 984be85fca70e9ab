import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import sdl from '../../../../schema.graphqls?raw'
import { operationName, samples, variablesOf } from './samples'

const schema = buildSchema(sdl)

test.each(samples)('"$title" is an operation of the schema', ({ query }) => {
  expect(validate(schema, parse(query))).toEqual([])
})

test.each(samples)('"$title" gives the variables that it asks for', (sample) => {
  const [operation] = parse(sample.query).definitions
  const asked = operation?.kind === 'OperationDefinition' ? (operation.variableDefinitions ?? []) : []
  const given = Object.keys(JSON.parse(variablesOf(sample) || '{}') as object)
  expect(given).toEqual(asked.map((definition) => definition.variable.name.value))
})

test('each has a tab of its own', () => {
  expect(new Set(samples.map(operationName)).size).toBe(samples.length)
})
