import { z } from 'zod'
import * as api from './api.js'
import { type Operation, operations } from './operations.js'

/** The OpenAPI 3.1 document of the scheduler's socket: `docs/openapi.json`. */
export function openApiDocument(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: "Burstbuffer: the scheduler's socket",
      version: 'v1',
      description:
        'HTTP on the unix socket /run/burstbuffer/scheduler.sock, for root and members of the slurm group. Sizes are bytes, ' +
        'times unix seconds, lists are sorted by name. Fields may be added to answers. `bbctl` asks for nothing else.',
    },
    paths: { ...pathsOf(Object.entries(operations)), '/shim/{program}': shimPath },
    components: { schemas: schemas() },
  }
}

function pathsOf(entries: [string, Operation][]): Record<string, object> {
  const paths: Record<string, object> = {}
  for (const [name, operation] of entries)
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: describe(name, operation) }
  return paths
}

function describe(name: string, { path, summary, query = {}, body, answer, isStream }: Operation): object {
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map((match) => ({ name: match[1], in: 'path', required: true, schema: text })),
    ...Object.entries(query).map(([name, description]) => ({ name, in: 'query', description, schema: text })),
  ]
  const type = isStream ? 'application/x-ndjson' : 'application/json'
  return {
    operationId: name,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body ? { requestBody: { required: true, content: contentOf('application/json', body) } } : {}),
    responses: {
      200: { description: isStream ? 'Lines, one JSON value each.' : 'Done.', content: contentOf(type, answer) },
      default: { description: 'Refused or failed.', content: contentOf('application/json', api.errorView) },
      ...notYet,
    },
  }
}

const text = { type: 'string' }
const plainText = { 'text/plain': { schema: text } }
const notYet = { 503: { description: 'Not now: try again. In JSON, or as plain text.', content: plainText } }

/** The route that the programs of Slurm's burst buffer plugin call through the shim. */
const shimPath = {
  post: {
    operationId: 'playShim',
    summary: 'A call of Slurm, or of dwstat; the shim prints the answer and exits with X-Exit-Code',
    parameters: [
      { name: 'program', in: 'path', required: true, schema: { enum: ['dw_wlm_cli', 'fakewarp', 'dwstat'] } },
    ],
    requestBody: {
      description: 'The arguments, each with a NUL behind it.',
      content: { 'application/octet-stream': {} },
    },
    responses: {
      200: { description: 'What it prints.', headers: { 'X-Exit-Code': { schema: text } }, content: plainText },
      ...notYet,
    },
  },
}

function contentOf(type: string, schema: z.ZodType): object {
  return { [type]: { schema: { $ref: addressOf(ids.get(schema)!) } } }
}

const addressOf = (id: string) => `#/components/schemas/${id}`

/** Every shape by its name; a shape without a name by that of its operation. */
const ids = new Map<z.ZodType, string>(Object.entries(api).map(([name, schema]) => [schema, capital(name)]))
for (const [name, { body, answer }] of Object.entries<Operation>(operations)) {
  if (!ids.has(answer)) ids.set(answer, `${capital(name)}Answer`)
  if (body && !ids.has(body)) ids.set(body, `${capital(name)}Body`)
}

function schemas(): Record<string, object> {
  const registry = z.registry<{ id: string }>()
  for (const [schema, id] of ids) registry.add(schema, { id })
  const made = z.toJSONSchema(registry, { uri: addressOf }).schemas
  return Object.fromEntries(Object.entries(made).map(([id, schema]) => [id, tidy(schema, id.endsWith('Body'))]))
}

/** Without details that are useless to a reader. Requests must not have other fields; answers may get more. */
function tidy(schema: object, isClosed: boolean): object {
  const isNoise = (key: string, value: unknown) =>
    ['$schema', '$id', 'propertyNames'].includes(key) ||
    value === Number.MAX_SAFE_INTEGER ||
    (key === 'additionalProperties' && value === false && !isClosed)
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (isNoise(key, value) ? undefined : value)),
  ) as object
}

function capital(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1)
}
