import { format, resolveConfig } from 'prettier'
import { openApiDocument } from '../../src/model/openApi.js'
import { type Operation, operations } from '../../src/model/operations.js'
import { errorView } from '../../src/model/api.js'
import type { Answered } from './socketCall.js'

export const openApiFile = new URL('../../docs/openapi.json', import.meta.url).pathname

/** As it stands in `docs/openapi.json`. */
export async function openApiText(): Promise<string> {
  const options = await resolveConfig(openApiFile)
  return format(JSON.stringify(openApiDocument()), { ...options, filepath: openApiFile })
}

/** Throws when an answer of the scheduler is not what the document says of it. */
export function insistOnAnswer(method: string, address: string, { status, text, headers }: Answered): void {
  if (headers['content-type'] !== 'application/json') return
  const { pathname } = new URL(address, 'http://socket')
  const asked = Object.values<Operation>(operations).find(
    (operation) =>
      operation.method === method && new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  )
  if (!asked) throw new Error(`${method} ${pathname} is answered, and no operation`)
  ;(status < 300 ? asked.answer : errorView).parse(JSON.parse(text))
}
