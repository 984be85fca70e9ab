import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { compress } from './compress.ts'

// While developing, Vite serves the page and a server of your own the rest.
const server = process.env.GREENROOM_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), compress()],
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    sourcemap: false,
    // Nothing inlined: the page's policy then need not allow data: for anything but pictures.
    assetsInlineLimit: 0,
    // The explorer's editor is one large piece, and is asked for by nobody else.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: { input: { index: 'index.html', playground: 'playground.html' } },
  },
  // It imports workers in Vite's own way, which only Vite itself understands.
  optimizeDeps: { exclude: ['graphiql/setup-workers/vite', '@graphiql/react/setup-workers/vite'] },
  server: {
    proxy: {
      '/graphql': { target: server, ws: true },
      '/v1': { target: server, ws: true },
      '/dev': { target: server, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
})
