import type { ZodType } from 'zod'
import { desiredDocuments, desiredKinds } from '../../src/model/documents/desired.js'
import { hostDocument } from '../../src/model/documents/host.js'
import { inventoryDocument } from '../../src/model/documents/inventory.js'
import { observedDocuments } from '../../src/model/documents/observed.js'
import type { ExchangedDocument } from '../../src/model/levels.js'

interface Inner {
  type: string
  shape?: Record<string, ZodType>
  innerType?: ZodType
  element?: ZodType
  valueType?: ZodType
  options?: ZodType[]
  catchall?: ZodType
}

/** Every field of a schema with dots, through arrays, and whether it may be absent. */
export function fieldsOf(schema: ZodType, before = ''): { path: string; isOptional: boolean }[] {
  const { shape, innerType, element, valueType, options } = schema.def as unknown as Inner
  const inner = [innerType, element, valueType, ...(options ?? [])].filter((found) => found !== undefined)
  const own = Object.entries(shape ?? {}).flatMap(([name, field]) => {
    const path = before === '' ? name : `${before}.${name}`
    const isOptional = field.safeParse(undefined).success
    return [{ path, isOptional }, ...fieldsOf(field, path)]
  })
  return [...own, ...inner.flatMap((found) => fieldsOf(found, before))]
}

/** Where it holds objects that refuse, or lose, fields which they do not know. */
export function strictObjectsOf(schema: ZodType, place = ''): string[] {
  const { type, shape, innerType, element, valueType, options, catchall } = schema.def as unknown as Inner
  const inner = [innerType, element, valueType, ...(options ?? [])].filter((found) => found !== undefined)
  const isStrict = type === 'object' && (!catchall || (catchall.def as unknown as Inner).type === 'never')
  return [
    ...(isStrict ? [place] : []),
    ...inner.flatMap((found) => strictObjectsOf(found, place)),
    ...Object.entries(shape ?? {}).flatMap(([name, field]) => strictObjectsOf(field, `${place}.${name}`)),
  ]
}

export const exchangedSchemas: [ExchangedDocument, ZodType][] = [
  ['hosts', hostDocument],
  ['inventory', inventoryDocument],
  ...desiredKinds.flatMap((kind): [ExchangedDocument, ZodType][] => [
    [`desired/${kind}`, desiredDocuments[kind]],
    [`observed/${kind}`, observedDocuments[kind]],
  ]),
]
