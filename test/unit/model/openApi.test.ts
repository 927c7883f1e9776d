import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { openApiDocument } from '../../../src/model/openApi.js'
import { operations } from '../../../src/model/operations.js'
import { openApiFile, openApiText } from '../../support/openApi.js'

describe('the OpenAPI document', () => {
  it('in docs is that of the operations: else run `npm run openapi`', async () => {
    expect(readFileSync(openApiFile, 'utf8')).to.equal(await openApiText())
  })

  it('names every operation once, and refers to shapes that are in it', () => {
    const text = JSON.stringify(openApiDocument())
    const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map((match) => match[1])
    expect(ids).to.have.members([...Object.keys(operations), 'playShim'])
    const { components } = openApiDocument() as { components: { schemas: object } }
    for (const [, id] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(components.schemas).to.have.property(id!)
  })
})
