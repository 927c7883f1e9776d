/** Why a host does not act on a document. Tests compare with the function. */
export const lacksRole = (host: string, role: string) => `host ${host} does not have the role ${role}`
