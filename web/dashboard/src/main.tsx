import '@mantine/core/styles.css'
import './app/app.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { meta } from './app/meta'

// Libraries below Mantine add style elements of their own, and look here for the nonce.
Object.assign(globalThis, { __webpack_nonce__: meta('style-nonce') || undefined })

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
