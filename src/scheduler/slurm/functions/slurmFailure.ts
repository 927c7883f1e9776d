/** A refusal or failure with its text for slurmctld. */
export class SlurmFailure extends Error {}
