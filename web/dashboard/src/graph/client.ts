import { Client, fetchExchange, mapExchange, subscriptionExchange } from 'urql'
import { cache } from './cache'
import { isSignedOut } from './errors'
import { graphql } from './graphql'
import { connect, forward } from './live'
import { Newest } from './newest'

const Whoami = graphql(`query Whoami { viewer { kind account { id name } } }`)

/** A client of one key, with its socket. */
export interface Connection {
  client: Client
  close: () => void
}

/** Opens the API with a key. `signedOut` is called once the server refuses the key. */
export function open(key: string, signedOut: () => void): Connection {
  const newest = new Newest()
  const socket = connect(key, async () => {
    // The reason may be another than the key; a plain request tells for certain.
    const { error } = await client.query(Whoami, {}, { requestPolicy: 'network-only' }).toPromise()
    return error !== undefined && isSignedOut(error)
  })
  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
    exchanges: [
      cache(),
      mapExchange({
        onResult(result) {
          if (result.error && isSignedOut(result.error)) signedOut()
          return result.data ? { ...result, data: newest.apply(result.data) } : result
        },
      }),
      fetchExchange,
      subscriptionExchange({ forwardSubscription: forward(socket) }),
    ],
  })
  return { client, close: () => void dispose(socket) }
}

/** Asks whose a key is, before anything is kept of it. Throws when there is no answer. */
export async function whoami(key: string) {
  const client = new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
    exchanges: [fetchExchange],
  })
  const { data, error } = await client.query(Whoami, {}).toPromise()
  if (error) throw error
  return data?.viewer
}

/** A socket that is being made, and was refused meanwhile, has nothing left to say. */
async function dispose(socket: ReturnType<typeof connect>): Promise<void> {
  try {
    await socket.dispose()
  } catch {
    // closed already
  }
}
