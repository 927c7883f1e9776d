/** The line that a container prints when every program of its host has answered. */
export const bootedLine = (host: string) => `${host} is up`
