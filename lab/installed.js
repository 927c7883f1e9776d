// Exits 0 when node_modules holds what package-lock.json asks for. Runs before anything is installed: no imports but Node's.
import { readFileSync } from 'node:fs'
import process from 'node:process'

process.exit(isInstalled() ? 0 : 1)

function isInstalled() {
  const wanted = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages
  let present
  try {
    present = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')).packages
  } catch {
    return false
  }
  const isAsWanted = ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version
  return Object.entries(wanted).every(isAsWanted)
}
