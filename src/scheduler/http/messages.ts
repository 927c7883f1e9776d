import { printSize } from '../../model/capacity.js'

/* What the socket answers where no route does, and why it cannot be opened. Tests compare with these functions. */

// Requests
export const failed = (why: string) => `the scheduler failed: ${why}`
export const invalidAddress = () => 'the address of the request is not valid'
export const tooManyLarge = () => 'too many large requests at the same time: try again'
export const tooLarge = (maxBytes: number) => `the request is larger than ${printSize(maxBytes)}`
export const noRoute = (method: string | undefined, path: string) => `there is no ${method} ${path}`

// The socket
export const noDirectory = (directory: string) =>
  `socket: the directory ${directory} does not exist: create it with mode 0750, owned by root and the slurm group`
export const notASocket = (path: string) => `socket: ${path} exists, but is not a socket`
export const alreadyServed = (path: string) => `socket: another scheduler listens on ${path}`
