import type { Plot } from '../../lab/demo/plot.js'
import { scenario } from '../../lab/demo/scenario.js'
import { Scene } from '../../lab/demo/scene.js'
import { labTestMs, useLab } from '../support/lab.js'

describe('the demo, from directive to clean disks', function () {
  this.timeout(labTestMs)
  this.bail(true)
  const said: string[] = []
  const scene = new Scene(useLab(), (line) => said.push(line))
  const plot: Plot = {}

  for (const act of scenario) it(act.heading, () => act.play(scene, plot))

  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.log(said.join('\n'))
    said.length = 0
  })
})
