import { request } from 'node:http'

export interface Answered {
  status: number
  text: string
  headers: Record<string, unknown>
}

/** One request to a scheduler's socket; a string body goes as it is. */
export function callSocket(socket: string, method: string, path: string, body?: object | string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const message = request({ socketPath: socket, method, path, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode!, text, headers: response.headers }))
    })
    message.on('error', reject)
    message.end(typeof body === 'object' ? JSON.stringify(body) : body)
  })
}
