import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../src/daemon/configFile.js'

/** A configuration file of a suite: read with these flags, or why it is refused. */
export function useConfigFile<T>(name: string, readConfig: (argv: string[]) => T) {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-config-'))
  const file = join(directory, name)
  after(() => rmSync(directory, { recursive: true }))

  const read = (text: string, ...flags: string[]): T => {
    writeFileSync(file, text)
    return readConfig(['--config', file, ...flags])
  }
  const refusal = (text: string, ...flags: string[]): string => {
    try {
      read(text, ...flags)
    } catch (error) {
      expect(error).to.be.instanceOf(ConfigError)
      return (error as Error).message
    }
    throw new Error('it was not refused')
  }
  return { file, read, refusal }
}
