import winston from 'winston'

/** A fixed phrase and fields: `log.info('brick formatted', { buffer, host, device, ms })`. Winston implements it. */
export interface Log {
  debug(phrase: string, fields?: object): void
  info(phrase: string, fields?: object): void
  warn(phrase: string, fields?: object): void
  error(phrase: string, fields?: object): void
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * One JSON object per line, to `file` or to stderr (which systemd passes to journald); on a terminal a line for people. JSON's escapes
 * keep users' text on its line; the line for people escapes control characters too.
 */
export function openLog(options: { program: string; level: LogLevel; file?: string | undefined }): Log {
  const onTerminal = options.file === undefined && process.stderr.isTTY
  return winston.createLogger({
    level: options.level,
    defaultMeta: { program: options.program },
    format: winston.format.combine(winston.format.timestamp(), onTerminal ? forPeople : winston.format.json()),
    transports: [
      options.file === undefined
        ? new winston.transports.Stream({ stream: process.stderr })
        : new winston.transports.File({ filename: options.file }),
    ],
  })
}

const forPeople = winston.format.printf(({ timestamp, level, message, program, ...fields }) => {
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return escapeControls(
    `${String(timestamp)} ${level.padEnd(5)} ${String(program)}: ${String(message)} ${shown.join(' ')}`.trimEnd(),
  )
})

function escapeControls(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
