// The ids that carry the story from one sample to the next: each stands for what the reader is
// at, not for whatever was last seen in an answer.

export interface Ids {
  avatar: string
  session: string
  endpoint: string
}

/** What stands in a sample's variables until there is an id. */
export const placeholders: Ids = { avatar: 'avat_…', session: 'sess_…', endpoint: 'whk_…' }

function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (found, step) => (typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined),
    value,
  )
}

/**
 * The ids after an answer. A session is taken from the create that made it; avatars and endpoints
 * also from a list, but only while there is none.
 */
export function learn(ids: Ids, data: unknown): Ids {
  const made = {
    avatar: at(data, 'createAvatar', 'avatar', 'id'),
    session: at(data, 'createSession', 'session', 'id'),
    endpoint: at(data, 'createWebhookEndpoint', 'webhookEndpoint', 'id'),
  }
  const listed = {
    avatar: at(data, 'avatars', 'nodes', 0, 'id'),
    session: at(data, 'viewer', 'session', 'id') ?? at(data, 'sessions', 'nodes', 0, 'id'),
    endpoint: at(data, 'viewer', 'account', 'webhookEndpoints', 'nodes', 0, 'id'),
  }
  const take = (kind: keyof Ids): string => {
    const newer = made[kind] ?? (ids[kind] === placeholders[kind] ? listed[kind] : undefined)
    return typeof newer === 'string' ? newer : ids[kind]
  }
  return { avatar: take('avatar'), session: take('session'), endpoint: take('endpoint') }
}

/**
 * Puts the ids of now where those of before, or placeholders, stand. An id that the reader has
 * written there is neither and stays.
 */
export function carry(variables: string, before: Ids, now: Ids): string {
  let text = variables
  for (const kind of ['avatar', 'session', 'endpoint'] as const) {
    text = text.replaceAll(placeholders[kind], now[kind]).replaceAll(before[kind], now[kind])
  }
  return text
}
