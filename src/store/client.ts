import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  Metadata,
} from '@grpc/grpc-js'
import { loadSync, type MethodDefinition } from '@grpc/proto-loader'
import type {
  IAuthenticateRequest,
  IAuthenticateResponse,
  ILeaseGrantRequest,
  ILeaseGrantResponse,
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  ILeaseRevokeRequest,
  ILeaseRevokeResponse,
  IRangeRequest,
  IRangeResponse,
  IStatusResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
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

/** etcd's protocol comes with the package etcd3. Its client is not used: it opens a TCP connection for each service, and closes all of them after any call that failed. */
const protocol = loadSync(createRequire(import.meta.url).resolve('etcd3/proto/rpc.proto'), {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
})

function methodOf<Request extends object, Response extends object>(service: string, name: string) {
  return (protocol[`etcdserverpb.${service}`] as unknown as Record<string, MethodDefinition<Request, Response>>)[name]!
}

const methods = {
  range: methodOf<IRangeRequest, IRangeResponse>('KV', 'Range'),
  txn: methodOf<ITxnRequest, ITxnResponse>('KV', 'Txn'),
  leaseGrant: methodOf<ILeaseGrantRequest, ILeaseGrantResponse>('Lease', 'LeaseGrant'),
  leaseRevoke: methodOf<ILeaseRevokeRequest, ILeaseRevokeResponse>('Lease', 'LeaseRevoke'),
  leaseKeepAlive: methodOf<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>('Lease', 'LeaseKeepAlive'),
  watch: methodOf<IWatchRequest, IWatchResponse>('Watch', 'Watch'),
  status: methodOf<object, IStatusResponse>('Maintenance', 'Status'),
  authenticate: methodOf<IAuthenticateRequest, IAuthenticateResponse>('Auth', 'Authenticate'),
}

/** The calls of etcd that we use, all over one connection to one endpoint. Nothing is tried again. Calls reject with gRPC's errors. */
export class EtcdClient {
  private readonly client: Client
  private token: Promise<string> | undefined

  /** Connects at the first call. */
  constructor(private readonly options: ClientOptions) {
    this.client = new Client(options.address, options.credentials, options.channel)
  }

  range(request: IRangeRequest, options: CallOptions): Promise<IRangeResponse> {
    return this.call(methods.range, request, options)
  }

  txn(request: ITxnRequest, options: CallOptions): Promise<ITxnResponse> {
    return this.call(methods.txn, request, options)
  }

  leaseGrant(request: ILeaseGrantRequest, options: CallOptions): Promise<ILeaseGrantResponse> {
    return this.call(methods.leaseGrant, request, options)
  }

  leaseRevoke(request: ILeaseRevokeRequest, options: CallOptions): Promise<ILeaseRevokeResponse> {
    return this.call(methods.leaseRevoke, request, options)
  }

  status(options: CallOptions): Promise<IStatusResponse> {
    return this.call(methods.status, {}, options)
  }

  leaseKeepAlive(): Promise<KeepAliveStream> {
    return this.stream(methods.leaseKeepAlive)
  }

  watch(): Promise<WatchRawStream> {
    return this.stream(methods.watch)
  }

  /** Calls under way still get their answers; streams have to be ended by their owners. */
  close(): void {
    this.client.close()
  }

  private async call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    if (!this.options.user) return this.send(method, request, new Metadata(), options)
    const metadata = await this.metadata()
    try {
      return await this.send(method, request, metadata, options)
    } catch (error) {
      if (!isInvalidToken(error)) throw error
      // etcd checks the token before anything else, so that nothing was done.
      this.token = undefined
      return this.send(method, request, await this.metadata(), options)
    }
  }

  private send<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    metadata: Metadata,
    options: CallOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        options,
        (error, response) => (error ? reject(error) : resolve(response!)),
      )
    })
  }

  private async stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
  ): Promise<RawStream<Request, Response>> {
    const metadata = await this.metadata()
    const { path, requestSerialize, responseDeserialize } = method
    const stream = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata)
    stream.on('error', (error: Error) => {
      if (isInvalidToken(error)) this.token = undefined
    })
    return stream
  }

  private async metadata(): Promise<Metadata> {
    const metadata = new Metadata()
    const { user } = this.options
    if (user) metadata.set('token', await (this.token ??= this.authenticate(user)))
    return metadata
  }

  private authenticate({ name, password }: { name: string; password: string }): Promise<string> {
    const options = { deadline: Date.now() + this.options.callMs }
    const asked = this.send(methods.authenticate, { name, password }, new Metadata(), options)
    const token = asked.then((answer) => answer.token)
    token.catch(() => {
      if (this.token === token) this.token = undefined
    })
    return token
  }
}

function isInvalidToken(error: unknown): boolean {
  return error instanceof Error && /invalid auth token/i.test(error.message)
}
