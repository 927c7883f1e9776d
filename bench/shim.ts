import { installed, must, withLab } from './cluster.js'
import { type Benchmark, type Figure, median } from './measure.js'

const calls = 200

/** The program that slurmctld runs about nine times for each job. */
export const shim: Benchmark = {
  describe: 'dw_wlm_cli --function pools, compared with curl on the same socket and with node -e 0',
  run: (say) =>
    withLab(say, async (lab) => {
      const socket = '/run/burstbuffer/scheduler.sock'
      const body = '--function\\0pools\\0'
      const commands: Record<string, string> = {
        dw_wlm_cli: `${installed}/dw_wlm_cli --function pools`,
        curl: `printf '${body}' | curl -s --unix-socket ${socket} --data-binary @- http://socket/shim/dw_wlm_cli`,
        'node -e 0': `${process.execPath} -e 0`,
      }
      const times = new Map<string, { wall: number[]; cpu: number[] }>()
      // In turn, so that all commands share the times when the machine is busy.
      for (let block = 0; block < 10; block++) {
        for (const [name, command] of Object.entries(commands)) {
          const found = times.get(name) ?? { wall: [], cpu: [] }
          const loop = `i=0; while [ $i -lt ${calls / 10} ]; do ${command} >/dev/null || exit 1; i=$((i + 1)); done`
          const script = `start=$(date +%s%N); ${loop}; end=$(date +%s%N); echo $((end - start)); times >/tmp/times; tail -n 1 /tmp/times`
          const [wall, cpu] = (await must(lab, 'head', ['bash', '-c', script])).trim().split('\n') as [string, string]
          found.wall.push(Number(wall) / 1e6 / (calls / 10))
          found.cpu.push((seconds(cpu) * 1000) / (calls / 10))
          times.set(name, found)
        }
      }
      say(`${calls} calls of each`)
      const ours = times.get('dw_wlm_cli')!
      return ['curl', 'node -e 0'].flatMap((name): Figure[] => [
        {
          what: 'wall time of a call',
          value: median(ours.wall),
          unit: 'ms',
          against: { what: name, value: median(times.get(name)!.wall) },
          wanted: 'under 10 ms',
        },
        {
          what: 'CPU of a call',
          value: median(ours.cpu),
          unit: 'ms',
          against: { what: name, value: median(times.get(name)!.cpu) },
        },
      ])
    }),
}

/** bash's `times`, children: `0m0.123s 0m0.045s`, both added. */
function seconds(text: string): number {
  return [...text.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0)
}
