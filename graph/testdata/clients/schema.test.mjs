// The schema before other people's tools: it is linted, and the server has exactly this one.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { ESLint } from 'eslint'
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql'
import { schemaFile } from './schema.mjs'
import { headers, httpURL, signedIn, within } from './server.mjs'

describe('graphql-eslint', () => {
  const lint = new ESLint({
    cwd: dirname(schemaFile), // it ignores files outside
    overrideConfigFile: fileURLToPath(new URL('eslint.config.mjs', import.meta.url)),
  })

  test('has nothing to say', async () => {
    const results = await lint.lintFiles([schemaFile])
    assert.equal(results.length, 1)
    const said = results[0].messages.map(({ line, ruleId, message }) => `${line}: ${ruleId}: ${message}`)
    assert.deepEqual(said, [])
  })

  test('would speak up', async () => {
    const worse = (await readFile(schemaFile, 'utf8')).replace(/^"""Where a session stands\."""\n/m, '')
    const [{ messages }] = await lint.lintText(worse, { filePath: schemaFile })
    assert.deepEqual(messages.map((m) => m.ruleId), ['@graphql-eslint/require-description'])
  })
})

describe('graphql-inspector', () => {
  let folder
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inspector-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('finds the same schema in the server as in the file', async () => {
    // Asked for with all that introspection has to tell.
    const query = getIntrospectionQuery({
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    })
    const response = await signedIn(httpURL, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    const { data, errors } = await within(response.json(), 'the introspection')
    assert.equal(errors, undefined)
    const live = printSchema(buildClientSchema(data))
    await writeFile(join(folder, 'live.graphql'), live)
    assert.match(await inspector('diff', join(folder, 'live.graphql'), schemaFile), /No changes detected/)
    // The tool compares what it knows; the texts have everything.
    same(live, await readFile(schemaFile, 'utf8'))
  })

  test('introspects the server by itself', async () => {
    const file = join(folder, 'introspected.graphql')
    await inspector('introspect', httpURL, '--header', `Authorization: ${headers.authorization}`, '--write', file)
    // Its query leaves out where a scalar is specified, and only that.
    const written = (await readFile(schemaFile, 'utf8')).replace(/ @specifiedBy\(.*\)/g, '')
    same(await readFile(file, 'utf8'), written)
  })
})

// same compares two schemas but for the order, and shows only the lines that differ.
function same(server, file) {
  const lines = (text) => printSchema(lexicographicSortSchema(buildSchema(text))).split('\n')
  const [has, should] = [lines(server), lines(file)]
  const without = (a, b) => a.filter((line) => !b.includes(line))
  assert.deepEqual({ onlyInServer: without(has, should), onlyInFile: without(should, has) }, { onlyInServer: [], onlyInFile: [] })
  assert.ok(has.join('\n') === should.join('\n'), 'the same lines in another order')
}

// inspector runs the command, and gives what it printed.
const inspector = (...args) =>
  new Promise((resolve, reject) => {
    const cli = fileURLToPath(new URL('node_modules/.bin/graphql-inspector', import.meta.url))
    execFile(cli, args, (error, out, err) => {
      if (error) return reject(new Error(`graphql-inspector ${args.join(' ')}: ${error.code}\n${stripVTControlCharacters(out + err)}`))
      resolve(stripVTControlCharacters(out))
    })
  })
