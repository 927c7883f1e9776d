import { expect } from 'chai'
import { parseDirectives, problemWithAccess } from '../../../../src/scheduler/slurm/directives.js'

/** What this system does not serve, in one place: a line goes from here when it is served. */
const words: [line: string, told: RegExp][] = [
  ['#DW stage_in type=file source=/a destination=$DW_JOB_STRIPED/a', /stage_in is not served/],
  ['#DW stage_out type=file source=$DW_JOB_STRIPED/a destination=/a', /stage_out is not served/],
  ['#DW swap 4GiB', /swap is not served/],
  ['#DW jobdw capacity=1TB access_mode=private', /private access is not served: write access_mode=striped/],
  ['#DW jobdw capacity=1TB access_mode=striped,private', /private access is not served/],
  ['#DW jobdw capacity=1TB access_mode=striped(client_cache=yes)', /options of an access mode are not served/],
]

describe('what is not served', () => {
  for (const [line, told] of words) {
    it(`is refused by name, with its line: ${line}`, () =>
      expect(parseDirectives(`#!/bin/sh\n${line}\n`))
        .to.have.property('refused')
        .that.matches(/^line 2: #DW /)
        .and.matches(told))
  }

  it('is refused at create_persistent too', () => {
    expect(problemWithAccess('private')).to.contain('is not served')
  })
})
