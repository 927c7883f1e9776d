import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import {
  addedFields,
  commonLevel,
  type ExchangedDocument,
  toLevel,
  levels,
  refusedFields,
} from '../../../src/model/levels.js'
import { collectionSchemas } from '../../../src/store/documents.js'
import { exchangedSchemas, fieldsOf, strictObjectsOf } from '../../support/schemaFields.js'
import { withAddedFields } from '../../support/addedFields.js'

const level1 = JSON.parse(
  readFileSync(new URL('../../fixtures/documents/level1.json', import.meta.url), 'utf8'),
) as Record<ExchangedDocument, string[]>

describe('documents of neighbouring releases', () => {
  for (const [kind, schema] of exchangedSchemas) {
    it(`have in ${kind} no field that the first release does not know, but those in the table of src/model/levels.ts`, () => {
      const known = [...(level1[kind] ?? []), ...Object.keys(addedFields[kind] ?? {})]
      const isKnown = (path: string) =>
        known.includes(path) || known.some((field) => isAdded(field) && path.startsWith(`${field}.`))
      const isAdded = (field: string) => addedFields[kind]?.[field] !== undefined
      const unknown = fieldsOf(schema).filter(({ path }) => !isKnown(path))
      expect(unknown.map(({ path }) => path)).to.deep.equal([], 'add these to addedFields')
    })

    it(`can do in ${kind} without every field that was added`, () => {
      const fields = fieldsOf(schema)
      for (const path of Object.keys(addedFields[kind] ?? {})) {
        expect(fields.find((field) => field.path === path)).to.deep.equal({ path, isOptional: true })
      }
    })
  }

  it('keep what they do not know, also deep within', () => {
    const schemas = [...exchangedSchemas, ...Object.entries(collectionSchemas)]
    const refusing = schemas.flatMap(([kind, schema]) => strictObjectsOf(schema).map((path) => `${kind}${path}`))
    expect(refusing).to.deep.equal([])
  })

  it('are written without the fields that are newer than the level both know, also within others', () => {
    withAddedFields(
      { inventory: { wwn: { since: 2 }, 'devices.wwn': { since: 2 }, 'devices.stamp.made': { since: 3 } } },
      () => {
        const document = { a: 1, wwn: 1, devices: [{ b: 2, wwn: 2, stamp: { c: 3, made: 3 } }, { b: 3 }] }
        expect(toLevel(document, 'inventory', 1)).to.deep.equal({
          a: 1,
          devices: [{ b: 2, stamp: { c: 3 } }, { b: 3 }],
        })
        expect(toLevel(document, 'inventory', 2)).to.deep.equal({
          ...document,
          devices: [{ b: 2, wwn: 2, stamp: { c: 3 } }, { b: 3 }],
        })
        expect(toLevel(document, 'inventory', 3)).to.equal(document)
      },
    )
  })

  it('are not written at all for a reader that may not have them without a field', () => {
    withAddedFields({ 'desired/brick': { wipe: { since: 2, refuse: true } } }, () => {
      expect(refusedFields({ wipe: 'all' }, 'desired/brick', 1)).to.deep.equal(['wipe'])
      expect(refusedFields({ wipe: 'all' }, 'desired/brick', 2)).to.deep.equal([])
      expect(refusedFields({}, 'desired/brick', 1)).to.deep.equal([])
    })
  })

  it('are written at the highest level that both sides know, and not when there is none', () => {
    const { highest } = levels
    const ranges = [undefined, '1-1', `1-${highest}`, `${highest}-${highest + 7}`, `${highest + 1}-${highest + 2}`, 'x']
    expect(ranges.map(commonLevel)).to.deep.equal([1, 1, highest, highest, undefined, 1])
  })
})
