import {
  type CallOptions,
  Channel,
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientDuplexStream,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import {
  AuthClient,
  type ICallable,
  type ILeaseKeepAliveRequest,
  type ILeaseKeepAliveResponse,
  type IWatchRequest,
  type IWatchResponse,
  KVClient,
  LeaseClient,
  MaintenanceClient,
  type Services,
  WatchClient,
} from 'etcd3'
import { createRequire } from 'node:module'

/** A two-way stream. */
export type RawStream<Request, Response> = Pick<ClientDuplexStream<Request, Response>, 'write' | 'end' | 'cancel'> & {
  /** Called for every message of the server. */
  on(event: 'data', handler: (response: Response) => void): unknown
  /** Called when the stream failed. */
  on(event: 'error', handler: (error: Error) => void): unknown
  /** Called when the server ended it. */
  on(event: 'end', handler: () => void): unknown
}
export type WatchRawStream = RawStream<IWatchRequest, IWatchResponse>
export type KeepAliveStream = RawStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>

export interface ClientOptions {
  /** Host and port. */
  address: string
  credentials: ChannelCredentials
  channel: ChannelOptions
  user?: { name: string; password: string }
  /** For the calls that have no deadline of their own: those that authenticate. */
  callMs: number
}

type ServiceName = keyof typeof Services

const definition = loadSync(createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto'), {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
})
const protocol = loadPackageDefinition(definition)['etcdserverpb'] as unknown as Record<
  ServiceName,
  ServiceClientConstructor
>

/**
 * The clients of etcd3 for each service of etcd, all over one connection to one endpoint. Nothing is tried again. Calls reject
 * with gRPC's errors.
 */
export class EtcdClient {
  readonly kv: KVClient
  readonly leases: LeaseClient
  readonly maintenance: MaintenanceClient
  private readonly watches: WatchClient
  private readonly connection: OneChannel

  /** Connects at the first call. */
  constructor(options: ClientOptions) {
    this.connection = new OneChannel(options)
    this.kv = new KVClient(this.connection)
    this.maintenance = new MaintenanceClient(this.connection)
    this.leases = new LeaseClient(this.connection)
    this.watches = new WatchClient(this.connection)
  }

  // etcd3 declares less of its streams than they have.

  /** Opens a stream of renewals. */
  leaseKeepAlive(): Promise<KeepAliveStream> {
    return this.leases.leaseKeepAlive() as unknown as Promise<KeepAliveStream>
  }

  /** Opens a stream on which watches are asked for. */
  watch(): Promise<WatchRawStream> {
    return this.watches.watch() as unknown as Promise<WatchRawStream>
  }

  /** Calls under way still get their answers; streams have to be ended by their owners. */
  close(): void {
    this.connection.close()
  }
}

type Answered = (error: Error | null, response: unknown) => void
type Calls = Record<string, (request: unknown, metadata: Metadata, options: CallOptions, answered: Answered) => void>

/**
 * What etcd3's service clients call. In place of etcd3's own pool, which opens a TCP connection for each service, and closes all
 * of them, with their streams, after any call that failed.
 */
class OneChannel implements ICallable<undefined> {
  readonly callOptionsFactory = undefined
  private readonly channel: Channel
  private readonly clients = new Map<ServiceName, Client>()
  private readonly auth = new AuthClient(this)
  private token: Promise<string> | undefined

  constructor(private readonly options: ClientOptions) {
    this.channel = new Channel(options.address, options.credentials, options.channel)
  }

  async exec<Response>(
    service: ServiceName,
    method: string,
    request: unknown,
    options: CallOptions = {},
  ): Promise<Response> {
    if (!this.options.user || service === 'Auth') return this.send(service, method, request, new Metadata(), options)
    const metadata = await this.metadata()
    try {
      return await this.send(service, method, request, metadata, options)
    } catch (error) {
      if (!isInvalidToken(error)) throw error
      // etcd checks the token before anything else, so that nothing was done.
      this.token = undefined
      return this.send(service, method, request, await this.metadata(), options)
    }
  }

  async withConnection<Result>(
    service: ServiceName,
    act: (given: { resource: undefined; client: Client; metadata: Metadata }) => Promise<Result> | Result,
  ): Promise<Result> {
    return act({ resource: undefined, client: this.clientOf(service), metadata: await this.metadata() })
  }

  /** A stream has failed: its owner decides what that says of the endpoint. */
  markFailed(_resource: undefined, error: Error): void {
    if (isInvalidToken(error)) this.token = undefined
  }

  close(): void {
    this.channel.close()
  }

  private send<Response>(
    service: ServiceName,
    method: string,
    request: unknown,
    metadata: Metadata,
    options: CallOptions,
  ): Promise<Response> {
    const calls = this.clientOf(service) as unknown as Calls
    return new Promise((resolve, reject) => {
      calls[method]!(request, metadata, options, (error, response) =>
        error ? reject(error) : resolve(response as Response),
      )
    })
  }

  private clientOf(service: ServiceName): Client {
    const known = this.clients.get(service)
    if (known) return known
    const { address, credentials } = this.options
    const client = new protocol[service](address, credentials, { channelOverride: this.channel })
    this.clients.set(service, client)
    return client
  }

  private async metadata(): Promise<Metadata> {
    const metadata = new Metadata()
    const { user } = this.options
    if (user) metadata.set('token', await (this.token ??= this.authenticate(user)))
    return metadata
  }

  private authenticate({ name, password }: { name: string; password: string }): Promise<string> {
    const token = this.auth
      .authenticate({ name, password }, { deadline: Date.now() + this.options.callMs })
      .then((answer) => answer.token)
    token.catch(() => {
      if (this.token === token) this.token = undefined
    })
    return token
  }
}

function isInvalidToken(error: unknown): boolean {
  return error instanceof Error && /invalid auth token/i.test(error.message)
}
