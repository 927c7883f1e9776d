/** Is there in a container when every program of its host has answered since it started. */
export const bootedFile = '/run/lab/booted'
