import { z } from 'zod'
import * as api from './api.js'

/** One operation on the scheduler's socket. Its path names its parameters in braces. */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: `/v1/${string}`
  summary: string
  /** Each parameter of the query with its description; all are optional. */
  query?: Readonly<Record<string, string>>
  body?: z.ZodType
  answer: z.ZodType
  /** The answer is lines of JSON, each of the shape `answer`, until the caller disconnects. */
  isStream?: true
}

const session = z.strictObject({ sessionId: z.int().nonnegative() })
/** What bbctl, or anybody who may open the socket, can ask of the scheduler. Slurm's shim has its own route. */
export const operations = {
  showStatus: {
    method: 'GET',
    path: '/v1/status',
    summary: 'The whole cluster at a glance',
    answer: api.statusView,
  },
  listHosts: { method: 'GET', path: '/v1/hosts', summary: 'All hosts', answer: z.array(api.hostView) },
  listDevices: {
    method: 'GET',
    path: '/v1/devices',
    summary: 'All devices of all storage hosts',
    answer: z.array(api.deviceView),
  },
  listSessions: {
    method: 'GET',
    path: '/v1/sessions',
    summary: 'All sessions, and how far Slurm has come with each',
    answer: z.array(api.sessionView),
  },
  explain: {
    method: 'GET',
    path: '/v1/explain/{name}',
    summary: 'Why a job or a persistent buffer is no further than it is',
    answer: api.explainView,
  },
  listBuffers: { method: 'GET', path: '/v1/buffers', summary: 'All buffers', answer: z.array(api.bufferView) },
  showBuffer: {
    method: 'GET',
    path: '/v1/buffers/{name}',
    summary: 'One buffer with its bricks, sessions, mounts, transfers and timeline',
    answer: api.bufferDetail,
  },
  createBuffer: {
    method: 'POST',
    path: '/v1/buffers',
    summary: 'Creates a persistent buffer. Answers when it is placed; it is ready later',
    body: api.createBody,
    answer: session.extend({ state: z.literal('admitted'), buffer: z.string().optional() }),
  },
  destroyBuffer: {
    method: 'DELETE',
    path: '/v1/buffers/{name}',
    summary: 'Destroys a buffer. Answers when that is written; it is gone later',
    query: { force: 'true: also while jobs use it' },
    answer: session.extend({ state: z.literal('leaving') }),
  },
  cordonHost: {
    method: 'PUT',
    path: '/v1/cordons/{host}',
    summary: 'Lets no new bricks be placed on a host',
    body: api.cordonBody,
    answer: api.cordonView,
  },
  cordonDevice: {
    method: 'PUT',
    path: '/v1/cordons/{host}/{device}',
    summary: 'Lets no new brick be placed on a device',
    body: api.cordonBody,
    answer: api.cordonView,
  },
  uncordonHost: {
    method: 'DELETE',
    path: '/v1/cordons/{host}',
    summary: 'Takes the cordon or the quarantine off a host',
    answer: api.cordonView,
  },
  uncordonDevice: {
    method: 'DELETE',
    path: '/v1/cordons/{host}/{device}',
    summary: 'Takes the cordon or the quarantine off a device',
    answer: api.cordonView,
  },
  cancelTransfers: {
    method: 'POST',
    path: '/v1/transfers/{token}/cancel',
    summary: 'Stops the transfers of a job that are under way',
    body: api.whoBody,
    answer: api.transfersDone,
  },
  retryTransfers: {
    method: 'POST',
    path: '/v1/transfers/{token}/retry',
    summary: 'Begins the failed transfers of a job anew',
    body: api.whoBody,
    answer: api.transfersDone,
  },
  dropTransfers: {
    method: 'POST',
    path: '/v1/transfers/{token}/drop',
    summary: 'Gives up the failed transfers of a job',
    body: api.whoBody,
    answer: api.transfersDone,
  },
  adoptDevice: {
    method: 'POST',
    path: '/v1/adopt/{host}/{device}',
    summary: 'Wipes a device that holds foreign data. Answers when it is wiped',
    body: api.whoBody,
    answer: z.strictObject({}),
  },
  check: {
    method: 'GET',
    path: '/v1/check',
    summary: 'Where the documents in etcd and the hosts do not tell the same story',
    answer: z.array(api.differenceView),
  },
  repair: {
    method: 'POST',
    path: '/v1/check/repair',
    summary: 'Checks, and repairs what is safe to repair',
    answer: z.array(api.differenceView),
  },
  backUp: { method: 'GET', path: '/v1/backup', summary: 'What people asked for, as one file', answer: api.backup },
  restore: {
    method: 'POST',
    path: '/v1/restore',
    summary: 'Brings a backup back into an empty etcd',
    body: api.backup,
    answer: api.restoreView,
  },
  watch: {
    method: 'GET',
    path: '/v1/watch',
    summary: 'The cluster, or one buffer until it is gone: a line now and after each change',
    query: { name: 'Of a buffer; the cluster when left out' },
    answer: api.watchView,
    isStream: true,
  },
} as const satisfies Record<string, Operation>
export type OperationName = keyof typeof operations
type Of<K extends OperationName> = (typeof operations)[K]

export type Answer<K extends OperationName> = z.infer<Of<K>['answer']>
export type Body<K extends OperationName> = Of<K> extends { body: infer B extends z.ZodType } ? z.infer<B> : undefined
type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never
/** The parameters in an operation's path. */
export type PathParameters<K extends OperationName> = Record<NamesIn<Of<K>['path']>, string>
export type Query<K extends OperationName> =
  Of<K> extends { query: infer Q } ? Partial<Record<keyof Q, string>> : Record<string, never>
