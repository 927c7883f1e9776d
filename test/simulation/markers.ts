import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/*
 * A guard of an invariant is marked in the source by a comment with its name, `guard: <name>`: a line comment before a statement,
 * an element or a property, a block comment before an operand of `&&` or `||`. A mutation edits what the comment marks, so it
 * finds its place after a rename, a new layout of the text and a move to another file.
 */

/** What becomes of a marked piece of source. In a text, `$` stands for what is there. */
export type Edit =
  /** A statement, an element, a property or an operand is taken out. */
  | 'drop'
  /** The condition of its only `if` or `? :`. */
  | { condition: string }
  /** What it returns or is set to; of an operand all of it. */
  | { value: string }
  /** A text that it holds once, and the other. */
  | { replace: [string, string] }

export interface Marker {
  name: string
  file: string
}

interface Span {
  start: number
  end: number
}

const comment = /\/[/*] guard: (\S+)/g

/** Every marker below a folder, in the order of the files. */
export function markersBelow(folder: string): Marker[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .flatMap((name) => {
      const file = join(folder, name)
      return [...readFileSync(file, 'utf8').matchAll(comment)].map(([, marker]) => ({ name: marker!, file }))
    })
}

/** The one file that holds the marker. Throws when it is missing or doubled: the guard has been lost, or stands twice. */
export function fileWith(markers: readonly Marker[], name: string): string {
  const found = markers.filter((marker) => marker.name === name)
  if (found.length !== 1) {
    const where = found.map(({ file }) => file).join(', ') || 'nowhere'
    throw new Error(`the comment "guard: ${name}" must stand once in the source, and stands ${where}`)
  }
  return found[0]!.file
}

/** The source with what the marker marks edited. Throws when that has not the shape which the edit wants. */
export function edited(source: string, name: string, edit: Edit): string {
  const tree = ts.createSourceFile('guard.ts', source, ts.ScriptTarget.Latest, true)
  const node = markedNode(tree, name)
  const { start, end } = spanOf(node, edit)
  const before = source.slice(start, end)
  return source.slice(0, start) + textOf(node, edit, before) + source.slice(end)
}

/** The largest piece that begins behind the comment. */
function markedNode(tree: ts.SourceFile, name: string): ts.Node {
  const found = [...tree.text.matchAll(comment)].filter(([, marker]) => marker === name)
  if (found.length !== 1) throw new Error(`"guard: ${name}" stands ${found.length} times`)
  const after = found[0]!.index
  const search = (node: ts.Node): ts.Node | undefined =>
    node.getFullStart() <= after && after < node.getStart(tree) && !ts.isSourceFile(node)
      ? node
      : ts.forEachChild(node, search)
  const node = search(tree)
  if (!node || node === tree.endOfFileToken) throw new Error(`"guard: ${name}" marks nothing`)
  return node
}

function spanOf(node: ts.Node, edit: Edit): Span {
  if (edit === 'drop') return isListed(node) ? { start: node.getStart(), end: endWithComma(node) } : inner(node)
  if ('condition' in edit) return inner(conditionOf(node))
  return inner('value' in edit ? valueOf(node) : node)
}

function textOf(node: ts.Node, edit: Edit, before: string): string {
  if (edit === 'drop') return dropped(node)
  if ('replace' in edit) {
    const [from, to] = edit.replace
    if (before.split(from).length !== 2) throw new Error(`"${from}" does not stand once in: ${before}`)
    return before.replace(from, () => to)
  }
  return ('condition' in edit ? edit.condition : edit.value).replace('$', () => `(${before})`)
}

function dropped(node: ts.Node): string {
  if (isListed(node)) return ''
  if (ts.isStatement(node)) return ';'
  if (ts.isBinaryExpression(node.parent) && node.parent.right === node) {
    const operator = node.parent.operatorToken.kind
    if (operator === ts.SyntaxKind.AmpersandAmpersandToken) return 'true'
    if (operator === ts.SyntaxKind.BarBarToken) return 'false'
  }
  throw new Error(`cannot be dropped: ${node.getText()}`)
}

function isListed({ parent }: ts.Node): boolean {
  return ts.isArrayLiteralExpression(parent) || ts.isObjectLiteralExpression(parent)
}

function endWithComma(node: ts.Node): number {
  const rest = node.getSourceFile().text.slice(node.getEnd())
  return node.getEnd() + (/^\s*,/.exec(rest)?.[0].length ?? 0)
}

function conditionOf(node: ts.Node): ts.Expression {
  const found: ts.Expression[] = []
  const visit = (part: ts.Node) => {
    if (ts.isIfStatement(part)) found.push(part.expression)
    else if (ts.isConditionalExpression(part)) found.push(part.condition)
    if (!ts.isIfStatement(part)) ts.forEachChild(part, visit)
  }
  visit(node)
  if (found.length !== 1) throw new Error(`has ${found.length} conditions: ${node.getText()}`)
  return found[0]!
}

function valueOf(node: ts.Node): ts.Node {
  if (ts.isExpression(node)) return node
  if (ts.isReturnStatement(node) && node.expression) return node.expression
  const declared = ts.isVariableStatement(node) ? node.declarationList.declarations : []
  if (declared.length === 1 && declared[0]!.initializer) return declared[0]!.initializer
  throw new Error(`has no value: ${node.getText()}`)
}

function inner(node: ts.Node): Span {
  return { start: node.getStart(), end: node.getEnd() }
}

export function syntaxErrors(source: string): string[] {
  const { diagnostics = [] } = ts.transpileModule(source, { reportDiagnostics: true })
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

/** What the edit puts in names these, and nothing there is called so: it must follow a rename. Properties may be declared elsewhere. */
export function strangeNames(edit: Edit, file: string, all: string): string[] {
  if (edit === 'drop' || 'replace' in edit) return []
  const text = 'condition' in edit ? edit.condition : edit.value
  const inFile = new Set(file.match(/\w+/g))
  const anywhere = new Set(all.match(/\w+/g))
  const strange: string[] = []
  const visit = (node: ts.Node) => {
    if (ts.isIdentifier(node) && node.text !== '$') {
      const isProperty = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node
      if (!(isProperty ? anywhere : inFile).has(node.text)) strange.push(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('edit.ts', text, ts.ScriptTarget.Latest, true))
  return strange
}
