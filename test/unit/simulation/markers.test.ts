import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { edited, fileWith, markersBelow, strangeNames, syntaxErrors } from '../../simulation/markers.js'

describe('markers of guards', () => {
  it('are found below a folder, wherever a file has moved', () => {
    const folder = mkdtempSync(join(tmpdir(), 'markers-'))
    try {
      mkdirSync(join(folder, 'deep'))
      writeFileSync(join(folder, 'deep/a.ts'), '// guard: one\nf()\n')
      writeFileSync(join(folder, 'b.ts'), 'g(a && /* guard: two */ b)\n')
      expect(markersBelow(folder)).to.deep.equal([
        { name: 'two', file: join(folder, 'b.ts') },
        { name: 'one', file: join(folder, 'deep/a.ts') },
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('are missed when they are lost or doubled', () => {
    const markers = [
      { name: 'twice', file: 'a.ts' },
      { name: 'twice', file: 'b.ts' },
    ]
    expect(() => fileWith(markers, 'lost')).to.throw('"guard: lost" must stand once in the source, and stands nowhere')
    expect(() => fileWith(markers, 'twice')).to.throw('a.ts, b.ts')
    expect(() => edited('f()', 'x', 'drop')).to.throw('stands 0 times')
    expect(() => edited('// guard: x\nf()\n// guard: x\ng()', 'x', 'drop')).to.throw('stands 2 times')
    expect(() => edited('f()\n// guard: x\n', 'x', 'drop')).to.throw('marks nothing')
  })

  it('let a statement, an element, a property or an operand be dropped', () => {
    const without = (source: string) => edited(source, 'x', 'drop').replace(/\s+/g, ' ')
    expect(without('// guard: x\nif (a) return b\nreturn c')).to.equal('// guard: x ; return c')
    expect(without('f([\n// guard: x\n...a,\n...b])')).to.equal('f([ // guard: x ...b])')
    expect(without('f({\n// guard: x\n...a(),\nb: 1 })')).to.equal('f({ // guard: x b: 1 })')
    expect(without('f(a && /* guard: x */ (b || c) && d)')).to.equal('f(a && /* guard: x */ true && d)')
    expect(without('f(a || /* guard: x */ b)')).to.equal('f(a || /* guard: x */ false)')
    expect(() => without('f(/* guard: x */ a)')).to.throw('cannot be dropped: a')
  })

  it('let a condition, a value or a text in them be replaced, where there is one', () => {
    const conditioned = (source: string) => edited(source, 'x', { condition: '$ && c' })
    expect(conditioned('// guard: x\nif (a || b) return')).to.equal('// guard: x\nif ((a || b) && c) return')
    expect(conditioned('// guard: x\nreturn a ? b : d')).to.equal('// guard: x\nreturn (a) && c ? b : d')
    expect(() => conditioned('// guard: x\nreturn a ? b : c ? d : e')).to.throw('has 2 conditions')
    const valued = (source: string) => edited(source, 'x', { value: 'true' })
    expect(valued('// guard: x\nreturn a()')).to.equal('// guard: x\nreturn true')
    expect(valued('// guard: x\nconst a: boolean = b()')).to.equal('// guard: x\nconst a: boolean = true')
    expect(valued('f(a && /* guard: x */ b())')).to.equal('f(a && /* guard: x */ true)')
    expect(() => valued('// guard: x\nf()')).to.throw('has no value')
    const every = { replace: ['.every(', '.some('] as [string, string] }
    expect(edited('// guard: x\nreturn a.every(b)', 'x', every)).to.equal('// guard: x\nreturn a.some(b)')
    expect(() => edited('// guard: x\nreturn a', 'x', every)).to.throw('does not stand once')
  })

  it('show what no program would be', () => {
    expect(syntaxErrors('if (a) {')).to.have.length(1)
    expect(strangeNames({ value: '!a && b.c && b.d' }, 'const a = b', 'c')).to.deep.equal(['d'])
    expect(strangeNames({ condition: '$ && c' }, 'const a = b', 'c')).to.deep.equal(['c'])
  })
})
