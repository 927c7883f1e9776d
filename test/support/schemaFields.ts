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

interface Field {
  path: string
  isOptional: boolean
}

/** Every field of a schema once, with dots, through arrays, and whether it may be absent: also when some form of a union lacks it. */
export function fieldsOf(schema: ZodType, before = ''): Field[] {
  const { shape, innerType, element, valueType, options } = schema.def as unknown as Inner
  const inner = [innerType, element, valueType].filter((found) => found !== undefined)
  const own = Object.entries(shape ?? {}).flatMap(([name, field]) => {
    const path = before === '' ? name : `${before}.${name}`
    const isOptional = field.safeParse(undefined).success
    return [{ path, isOptional }, ...fieldsOf(field, path)]
  })
  const forms = (options ?? []).map((form) => fieldsOf(form, before))
  return [...own, ...inner.flatMap((found) => fieldsOf(found, before)), ...ofAny(forms)]
}

function ofAny(forms: Field[][]): Field[] {
  const paths = new Set(forms.flat().map(({ path }) => path))
  return [...paths].map((path) => {
    const found = forms.map((form) => form.find((field) => field.path === path))
    return { path, isOptional: found.some((field) => field === undefined || field.isOptional) }
  })
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
