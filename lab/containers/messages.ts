/* What the cluster in containers says of its container engine and its images. Tests compare with these functions. */

export const permissionDenied = (address: string) =>
  `permission denied on the container engine at ${address}: run this as root, or as a member of its group`
export const engineUnreachable = (address: string, why: string) =>
  `the container engine at ${address} (DOCKER_HOST) does not answer: ${why}`
export const noEngine = (address: string, why: string) =>
  `no container engine answers at ${address}, and none can be started: ${why}`
export const engineNeedsRoot = () => 'a container engine needs root'
export const noDockerd = () => 'there is no program dockerd: install it (Debian: docker.io)'
export const noCompose = () =>
  'there is neither docker-compose nor the plugin compose of docker: install one (Debian: docker-compose)'
export const dockerdEnded = (output: string) => `dockerd ended right after its start: ${output}`
export const clusterOnEngine = (dir: string) => `a cluster is up on the container engine in ${dir}`
export const engineInUse = (dir: string, pid: string) => `process ${pid} uses the container engine in ${dir}`
export const imageNotBuilt = (output: string) => `the image of docker/Dockerfile cannot be built:\n${output}`
export const composeFailed = (argv: readonly string[], code: number, output: string) =>
  `docker-compose ${argv.join(' ')} failed with exit code ${code}: ${output}`
export const clusterIsUp = () => 'the cluster is up'
export const clusterNotUp = () => 'the cluster is not up: run npm run lab -- --docker up'
export const hostDoesNotStart = (host: string, output: string) => `the container of ${host} does not start: ${output}`
export const noContainer = (host: string, project: string) => `the project ${project} has no container of ${host}`
export const noDisks = (host: string) => `${host} has no disks: the output of /opt/burstbuffer/docker/disks is above`
