/**
 * What the doctor found: `ok`, `note` (worth knowing, or it could not be checked), `fault` (needs an operator).
 * `mend` is the command that helps, ready to be copied.
 */
export interface Finding {
  readonly level: 'ok' | 'note' | 'fault';
  readonly text: string;
  readonly mend?: string;
}

export const ok = (text: string): Finding => ({ level: 'ok', text });

export const note = (text: string, mend?: string): Finding => ({
  level: 'note',
  text,
  ...(mend !== undefined && { mend }),
});

export const fault = (text: string, mend?: string): Finding => ({
  level: 'fault',
  text,
  ...(mend !== undefined && { mend }),
});

/** One line a finding, its command on a line of its own, and a last line that counts. */
export function printed(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ level, text, mend }) => {
    const line = `${level.padEnd(5)}  ${text}`;
    return mend === undefined ? [line] : [line, `       mend: ${mend}`];
  });
  const faults = findings.filter(({ level }) => level === 'fault').length;
  return `${lines.join('\n')}\n${faults === 0 ? 'no faults' : `${faults} fault${faults === 1 ? '' : 's'}`} in ${findings.length} checks\n`;
}
