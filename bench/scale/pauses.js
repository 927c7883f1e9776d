import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'

/*
 * Loaded before a program that is measured (`node --import`). It answers its parent: the longest pause of the event loop since it was
 * last asked, and memory after a forced collection where it is asked for that.
 */
const resolutionMs = 10
const delays = monitorEventLoopDelay({ resolution: resolutionMs })
delays.enable()

process.on('message', (message) => {
  if (message?.ask !== 'usage') return
  if (message.collect) globalThis.gc?.()
  const pauseMs = Math.max(0, delays.max / 1e6 - resolutionMs)
  delays.reset()
  process.send({ answers: message.number, pauseMs, heapBytes: process.memoryUsage().heapUsed })
})
process.on('disconnect', () => process.exit())
process.channel?.unref()
