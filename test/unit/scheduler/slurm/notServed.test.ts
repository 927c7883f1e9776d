import { expect } from 'chai'
import { parseDirectives } from '../../../../src/scheduler/slurm/directives.js'

/** What this system does not serve, in one place: a line goes from here when it is served. */
const words: [line: string, told: RegExp][] = [['#DW swap 4GiB', /swap is not served/]]

describe('what is not served', () => {
  for (const [line, told] of words) {
    it(`is refused by name, with its line: ${line}`, () =>
      expect(parseDirectives(`#!/bin/sh\n${line}\n`))
        .to.have.property('refused')
        .that.matches(/^line 2: #DW /)
        .and.matches(told))
  }
})
