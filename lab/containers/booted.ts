/** What a container says when every program of its host has answered since it started. */
export const bootedLine = (host: string) => `${host} is up`
