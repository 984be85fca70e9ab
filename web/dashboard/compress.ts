import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/**
 * Leaves of each built file only its `.br` and its `.gz`, for that is all the server embeds. Best
 * compression, made once; Node writes no time and no name into either, so that the same bytes
 * always pack alike.
 */
export function compress(): Plugin {
  let outDir = ''
  return {
    name: 'greenroom-compress',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      outDir = resolve(config.root, config.build.outDir)
    },
    async closeBundle(error?: Error) {
      if (error) return
      for (const entry of await readdir(outDir, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) await pack(join(entry.parentPath, entry.name))
      }
    },
  }
}

async function pack(file: string) {
  const content = await readFile(file)
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
  await writeFile(`${file}.br`, brotliCompressSync(content, { params: quality }))
  await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }))
  await rm(file)
}
