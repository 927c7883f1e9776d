import { exitOnUncaught } from '../../src/daemon/uncaught.js'
import { openLog } from '../../src/daemon/log.js'
import { runDaemon } from '../../src/daemon/main.js'

/* A daemon that would run for ever, and in which something fails that nobody waits for. */
runDaemon(() => {
  exitOnUncaught(openLog({ program: 'failing', level: 'info' }))
  setInterval(() => {}, 60_000)
  void Promise.reject(new Error('nobody waits for this'))
  return Promise.resolve({ stop: () => Promise.resolve() })
})
