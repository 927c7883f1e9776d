import { setTimeout as pause } from 'node:timers/promises'
import type { DesiredTransfer } from '../../src/model/documents/transfer.js'
import { agentOn, oneRound } from './stagingRig.js'

/* An agent that does one part of a transfer until it is done or killed, and tells what it took: node … stagingAgent.ts JSON */

const { lustre, volume, transfer, smallestRange } = JSON.parse(process.argv[2]!) as Record<
  'lustre' | 'volume',
  string
> & {
  transfer: DesiredTransfer
  smallestRange?: number
}
const beforeBytes = process.memoryUsage.rss()
const host = agentOn({ lustre, volume }, smallestRange === undefined ? {} : { smallestRange })
while ((await oneRound(host, transfer)).state !== 'done') await pause(50)
await host.close()
console.log(JSON.stringify({ beforeBytes, maxBytes: process.resourceUsage().maxRSS * 1024 }))
