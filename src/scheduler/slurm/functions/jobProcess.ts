import { quote } from '../../../model/names.js'
import { NameServiceUnavailable } from '../../users/nameService.js'
import { findImpossibleRequest } from '../checks/preflight.js'
import { problemWithSources } from '../checks/stageChecks.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SlurmFunction } from './context.js'
import { directivesOf, readScript } from './files.js'

/** Inline in sbatch, and told neither user nor token: only what can never work is refused here. */
export const jobProcess: SlurmFunction = async ({ decisions, config, groupId, statPaths }, given) => {
  const directives = directivesOf(await readScript(given))
  const groups = new Map(directives.creates.flatMap(({ group, line }) => (group === undefined ? [] : [[group, line]])))
  for (const [group, line] of groups) {
    if (!(await mayExist(groupId(group))))
      throw new SlurmFailure(`${line}: there is no group ${quote(group)} on the scheduler's host`)
  }
  const problem =
    findImpossibleRequest(decisions.cluster, config, directives) ??
    (await problemWithSources(decisions.cluster, config, directives, statPaths, { mayAppear: true }))
  if (problem !== undefined) throw new SlurmFailure(problem)
  return ''
}

/** Is there such a group? A name service that is away has not said no: setup asks again. */
async function mayExist(id: Promise<number | undefined>): Promise<boolean> {
  try {
    return (await id) !== undefined
  } catch (error) {
    if (error instanceof NameServiceUnavailable) return true
    throw error
  }
}
