// What both Node servers have in common: the schema, the rows, the tokens and the command line.
import { createHmac, createSecretKey } from 'node:crypto'
import { parseArgs } from 'node:util'
import { GraphQLError, GraphQLScalarType } from 'graphql'

const { values: options } = parseArgs({
  options: {
    database: { type: 'string' }, account: { type: 'string' }, key: { type: 'string' },
    'daily-url': { type: 'string' }, 'daily-key': { type: 'string', default: 'dev' }, domain: { type: 'string' },
  },
})

export const typeDefs = `
  scalar DateTime
  scalar JSONObject

  type Session {
    id: ID!
    revision: Int!
    status: SessionStatus!
    sessionType: SessionType!
    avatar: Avatar!
    dailyRoom: DailyRoom
    metadata: JSONObject!
    endUserId: String
    createdAt: DateTime!
    startBy: DateTime
    startedAt: DateTime
    endedAt: DateTime
    expiration: DateTime
    maxDuration: Int
    duration: Int
    endReason: SessionEndReason
    avatarState: AvatarState!
  }

  enum SessionStatus { CREATED STARTED ENDED }
  enum SessionType { WEBRTC_VIDEO }
  enum AvatarState { WAITING CONNECTING READY LOST GONE }
  enum SessionEndReason {
    CLIENT_ENDED EXPIRED NEVER_STARTED PARTICIPANTS_LEFT AVATAR_LOST PROVISION_FAILED OPERATOR_ENDED QUOTA_EXHAUSTED
  }

  type DailyRoom { url: String! name: String! token: String }
  type Avatar { id: ID! name: String! url: String! }
  type SessionConnection { nodes: [Session!]! }

  type Query {
    session(id: ID!): Session
    sessions(first: Int): SessionConnection!
  }
`

// Two statements, as better-sqlite3 and pg want them: prepared once, run without a copy of the text.
const columns = `id, revision, session_type, metadata, end_user_id, created_at, started_at, ended_at, end_reason, deadline,
  deadline_reason, expiration, max_duration, avatar_state, avatar_id, room_name, room_url, room_exp`
const page = `SELECT ${columns} FROM sessions WHERE account_id = $1 ORDER BY id DESC LIMIT $2`
const one = `SELECT ${columns} FROM sessions WHERE account_id = $1 AND id = $2`

const store = options.database.startsWith('sqlite:') ? await sqlite(options.database.slice('sqlite:'.length)) : await postgres()

// SQLite answers at once: better-sqlite3 has no other way, and is the fastest for it.
async function sqlite (file) {
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(file, { readonly: true })
  const sql = {
    page: db.prepare(page.replaceAll(/\$\d/g, '?')),
    one: db.prepare(one.replaceAll(/\$\d/g, '?')),
    avatars: db.prepare('SELECT id, name, url FROM avatars WHERE account_id = ? AND id IN (SELECT value FROM json_each(?))'),
  }
  return {
    page: first => sql.page.all(options.account, first).map(session),
    one: id => session(sql.one.get(options.account, id)),
    avatars: ids => sql.avatars.all(options.account, JSON.stringify(ids)),
  }
}

// As many connections as Greenroom reads with, and statements that are prepared on each.
async function postgres () {
  const { default: pg } = await import('pg')
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({ connectionString: options.database, max: 12 })
  const rows = async (name, text, values) => (await pool.query({ name, text, values })).rows
  return {
    page: async first => (await rows('page', page, [options.account, first])).map(session),
    one: async id => session((await rows('one', one, [options.account, id]))[0]),
    avatars: ids => rows('avatars', 'SELECT id, name, url FROM avatars WHERE account_id = $1 AND id = ANY($2)', [options.account, ids]),
  }
}

const instant = ms => ms === null ? null : new Date(ms).toISOString()

// session makes of a row what the schema's default resolvers read.
function session (row) {
  if (!row) return null
  let { ended_at: endedAt, end_reason: endReason, avatar_state: avatarState, revision } = row
  if (endedAt === null && row.deadline !== null && row.deadline <= Date.now()) {
    endedAt = row.deadline
    endReason = row.deadline_reason
    avatarState = 'GONE'
    revision++
  }
  const status = endedAt !== null ? 'ENDED' : row.started_at !== null ? 'STARTED' : 'CREATED'
  let duration = null
  if (endedAt !== null) duration = row.started_at === null ? 0 : Math.floor(Math.max(0, endedAt - row.started_at) / 1000)
  return {
    id: row.id,
    revision,
    status,
    sessionType: row.session_type,
    avatarId: row.avatar_id,
    dailyRoom: row.room_url === ''
      ? null
      : { url: row.room_url, name: row.room_name, exp: row.room_exp, userId: row.id, ended: endedAt !== null },
    metadata: JSON.parse(row.metadata),
    endUserId: row.end_user_id,
    createdAt: instant(row.created_at),
    startBy: status === 'CREATED' ? instant(row.deadline) : null,
    startedAt: instant(row.started_at),
    endedAt: instant(endedAt),
    expiration: instant(row.expiration),
    maxDuration: row.max_duration,
    duration,
    endReason,
    avatarState,
  }
}

const key = createSecretKey(options['daily-key'], 'utf8')
const header = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9'

function token (room) {
  if (room.ended) return null
  const issued = Math.floor(Date.now() / 900_000) * 900
  const expires = Math.min(Math.floor(room.exp / 1000), issued + 1800)
  const claims = JSON.stringify({ r: room.name, d: options.domain, iat: issued, exp: expires, ud: room.userId })
  const signed = `${header}.${Buffer.from(claims).toString('base64url')}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

// avatars gives the avatars of those ids, in their order.
export async function avatars (ids) {
  const byId = new Map((await store.avatars([...new Set(ids)])).map(avatar => [avatar.id, avatar]))
  return ids.map(id => byId.get(id) ?? new GraphQLError('no such avatar'))
}

export const resolvers = {
  DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: text => text }),
  JSONObject: new GraphQLScalarType({ name: 'JSONObject', serialize: object => object }),
  DailyRoom: { token },
  Query: {
    session: (_, { id }) => store.one(id),
    sessions: (_, { first }) => {
      const nodes = store.page(first ?? 20)
      return nodes instanceof Promise ? nodes.then(nodes => ({ nodes })) : { nodes }
    },
  },
}

const authorization = `Bearer ${options.key}`
export const known = headers => headers.authorization === authorization

// ready tells whoever has started this server where it is.
export const ready = url => process.stdout.write(JSON.stringify({ url }) + '\n')

process.on('SIGTERM', () => process.exit(0))
