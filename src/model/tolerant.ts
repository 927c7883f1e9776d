import { z } from 'zod'

const longest = 8192

/**
 * An object that may have fields which this release does not know, because a later one wrote them. They are kept, so that they are not
 * lost when the document is written back, and nothing reads them. Its type has only the known fields.
 */
export function tolerant<S extends z.core.$ZodLooseShape>(shape: S): z.ZodObject<S, z.core.$strip> {
  return z.object(shape).catchall(unknownField) as unknown as z.ZodObject<S, z.core.$strip>
}

const unknownField = z.unknown().refine((value) => JSON.stringify(value ?? null).length <= longest, {
  message: `a field that this release does not know, of more than ${longest} bytes`,
})
