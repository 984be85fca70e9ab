// The explorer: GraphiQL on its own page, because an editor of this size has no place in the
// dashboard. Monaco's workers become files of this server; nothing comes from another host.
import 'graphiql/setup-workers/vite'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-history/style.css'
import 'graphiql/graphiql.css'
import './explorer.css'
import { Explorer } from './Explorer'

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Explorer />
    </StrictMode>,
  )
}
