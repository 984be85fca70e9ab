// The schema as it is written.
import { fileURLToPath } from 'node:url'

export const schemaFile = fileURLToPath(new URL('../../../schema.graphqls', import.meta.url))
