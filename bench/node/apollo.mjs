// Apollo Server with its own HTTP server, and a DataLoader for each request.
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import DataLoader from 'dataloader'
import { GraphQLError } from 'graphql'
import { avatars, known, ready, resolvers, typeDefs } from './data.mjs'

const server = new ApolloServer({
  typeDefs,
  resolvers: { ...resolvers, Session: { avatar: ({ avatarId }, _, { loader }) => loader.load(avatarId) } },
})
const { url } = await startStandaloneServer(server, {
  listen: { host: '127.0.0.1', port: 0 },
  context: async ({ req }) => {
    if (!known(req.headers)) throw new GraphQLError('who are you?')
    return { loader: new DataLoader(avatars) }
  },
})
ready(url.replace(/\/$/, ''))
