/**
 * What volfiles call an export. Documents' names of exports may have dots, as hosts' names do; in a volfile a dot stands in the
 * names of inner translators alone, which nobody can ask for.
 */
export function exportWord(name: string): string {
  return name.replace(/[_.]/g, (sign) => (sign === '_' ? '_u' : '_d'))
}
