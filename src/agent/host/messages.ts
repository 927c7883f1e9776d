/** Why a step on a brick is not taken. Tests compare with the function. */
export const brickIsKept = (device: string, why: string) => `brick ${device} is kept: ${why}`
