// Tells whether two builds are the same inside: `node compare.mjs DIST BUILT`. Another zlib packs
// the same bytes otherwise, so what is compared is unpacked.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

const [kept, built] = process.argv.slice(2).map(read)
const differences = [...new Set([...kept.keys(), ...built.keys()])].filter((name) => {
  const [a, b] = [kept.get(name), built.get(name)]
  return !a || !b || !a.equals(b)
})
if (differences.length > 0) {
  console.error(`differs from what dashboard/ makes: ${differences.slice(0, 10).join(', ')}${differences.length > 10 ? ', …' : ''}`)
  process.exit(1)
}

function read(folder) {
  const unpack = { '.br': brotliDecompressSync, '.gz': gunzipSync }
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .map((file) => [relative(folder, file), (unpack[file.slice(-3)] ?? ((bytes) => bytes))(readFileSync(file))]),
  )
}
