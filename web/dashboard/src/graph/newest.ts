/**
 * Replies and pushes may cross, so a session may arrive in an older state than the one that is
 * known. `Newest` keeps, for each session, the fields of its highest revision; what comes with a
 * lower one is brought up to date before the cache sees it.
 *
 * It goes by response keys: documents select a session's fields without aliases and arguments.
 * Metadata is never looked into: it is a stranger's, and may pretend to be anything.
 */
export class Newest {
  private readonly known = new Map<string, Known>()

  /** Gives the data back, with no session older than one seen before. */
  apply<T>(data: T): T {
    // The root alone comes without a type.
    return (isObject(data) ? this.fields(data) : this.walk(data)) as T
  }

  private walk(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((v) => this.walk(v))
    if (!isObject(value) || typeof value.__typename !== 'string') return value
    const walked = this.fields(value)
    return value.__typename === 'Session' ? this.session(walked) : walked
  }

  private fields(value: Fields): Fields {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k === 'metadata' ? v : this.walk(v)]))
  }

  private session(fresh: Fields): Fields {
    const { id, revision } = fresh
    if (typeof id !== 'string' || typeof revision !== 'number') return fresh
    const known = this.known.get(id)
    if (known && revision < known.revision) return patch(fresh, known.fields)
    const fields = known?.revision === revision ? { ...known.fields, ...fresh } : fresh
    // Set anew, so that the map's order is that of use, and the first one is the stalest.
    this.known.delete(id)
    this.known.set(id, { revision, fields })
    if (this.known.size > limit) this.known.delete(this.known.keys().next().value ?? '')
    return fresh
  }
}

/** More sessions than a tab shows within the time in which messages can cross. */
const limit = 2000

type Fields = Record<string, unknown>
interface Known {
  revision: number
  fields: Fields
}

/** Takes from newer what stale asks for; an object with a type may ask for other fields than newer has. */
function patch(stale: Fields, newer: Fields): Fields {
  return Object.fromEntries(
    Object.entries(stale).map(([key, old]) => {
      const value = newer[key]
      if (value === undefined) return [key, old]
      const typed = key !== 'metadata' && isObject(old) && typeof old.__typename === 'string'
      if (typed && isObject(value)) return [key, patch(old, value)]
      return [key, value]
    }),
  )
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
