import {
  type Answer,
  type Body,
  type Operation,
  type OperationName,
  operations,
  type PathParameters,
} from '../../model/operations.js'
import type { Request, Route } from '../http/server.js'
import { answer, parse } from './calls.js'

export interface OperationRequest<K extends OperationName> {
  path: PathParameters<K>
  query: URLSearchParams
  body: Body<K>
}

/** The method and the path of an operation. */
export function placeOf(name: OperationName): Pick<Route, 'method' | 'pattern'> {
  const { method, path } = operations[name]
  return { method, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '([^/]+)')}$`) }
}

/** The route of an operation that is answered in JSON; its body is checked. */
export function routeOf<K extends OperationName>(
  name: K,
  handle: (request: OperationRequest<K>) => Promise<Answer<K>> | Answer<K>,
): Route {
  const { path, body }: Operation = operations[name]
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
  const read = (request: Request) => ({
    path: Object.fromEntries(parameters.map((parameter, index) => [parameter, request.parts[index]!])),
    query: request.query,
    body: body && parse(request.body, body),
  })
  return { ...placeOf(name), handle: (request) => answer(() => handle(read(request) as OperationRequest<K>)) }
}
