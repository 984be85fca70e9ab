// Mercurius on Fastify, with JIT from an operation's first run, and its own loader for the edge.
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { avatars, known, ready, resolvers, typeDefs } from './data.mjs'

const app = Fastify({ logger: false })
app.addHook('onRequest', async (request, reply) => known(request.headers) || reply.code(401).send())
app.register(mercurius, {
  schema: typeDefs,
  resolvers,
  loaders: {
    Session: {
      avatar: {
        loader: queries => avatars(queries.map(({ obj }) => obj.avatarId)),
        opts: { cache: false },
      },
    },
  },
  jit: 1,
  cache: 1000,
  graphiql: false,
})
ready(await app.listen({ host: '127.0.0.1', port: 0 }))
