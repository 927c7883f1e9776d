import { expect } from 'chai'
import { Project } from '../../../../lab/containers/project.js'
import { useEngine } from '../../../support/docker.js'
import { imageNotBuilt } from '../../../../lab/containers/messages.js'

describe('the image of docker/Dockerfile (root, container engine)', () => {
  const here = useEngine()

  it('is refused with the last words of the build when it cannot be built', async function () {
    this.timeout(120_000)
    const { docker, socket } = here.engine
    const build = new Project('bb-failing').build(
      { docker, address: `unix://${socket}` },
      'nosuchimage.invalid/node:1',
      false,
    )
    const said = await build.then(
      () => 'it was built',
      (error: Error) => error.message,
    )
    expect(said).to.contain(imageNotBuilt('')).and.contain('nosuchimage.invalid')
  })
})
