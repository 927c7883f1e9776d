/* What is said when a decision cannot be written here. Tests compare with these functions. */

export const isStandby = (leader: string) => `this scheduler is a standby: the one on ${leader} leads`
export const noLeader = () => 'no scheduler leads at the moment: try again'
export const conflicts = () => 'the change conflicted with other changes too often: try again'
