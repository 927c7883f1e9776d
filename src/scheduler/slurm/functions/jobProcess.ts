import { noGroup } from '../../users/messages.js'
import { NameServiceUnavailable } from '../../users/nameService.js'
import { findImpossibleRequest } from '../checks/preflight.js'
import { problemWithSources } from '../checks/stageChecks.js'
import { inLine } from '../script/messages.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SlurmFunction } from './context.js'
import { directivesOf, readScript } from './files.js'

/** sbatch waits for it, and neither user nor token is known yet: it refuses only what can never work. */
export const jobProcess: SlurmFunction = async ({ decisions, config, groupId, statPaths }, given) => {
  const directives = directivesOf(await readScript(given))
  const groups = new Map(directives.creates.flatMap(({ group, line }) => (group === undefined ? [] : [[group, line]])))
  for (const [group, line] of groups) {
    if (!(await mayExist(groupId(group)))) throw new SlurmFailure(inLine(line, noGroup(group)))
  }
  const problem =
    findImpossibleRequest(decisions.cluster, config, directives) ??
    (await problemWithSources(decisions.cluster, config, directives, statPaths, { mayAppear: true }))
  if (problem !== undefined) throw new SlurmFailure(problem)
  return ''
}

/** True also when the name service does not answer: setup asks again. */
async function mayExist(id: Promise<number | undefined>): Promise<boolean> {
  try {
    return (await id) !== undefined
  } catch (error) {
    if (error instanceof NameServiceUnavailable) return true
    throw error
  }
}
