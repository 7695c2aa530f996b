import type { Setting } from '../../libs/runtime/config-settings.ts';

/** The Markdown page of every setting, a table for each section. */
export function settingsPage(settings: readonly Setting[]): string {
  const lines = [
    '# Settings',
    '',
    'Generated from the code by `npm run docs`. A key `limits.request_rate` in YAML is the flag `--limits.request-rate` and the',
    'environment variable `XSCALER_LIMITS_REQUEST_RATE`. Flags win over the environment, and the environment over the file, which',
    '`--config.file` or `XSCALER_CONFIG_FILE` names. Durations are written like `15s`, `2h` or `30d`, lists with commas.',
  ];
  const sections = Map.groupBy(settings, ({ path }) => (path.length > 1 ? path[0] : ''));
  for (const [section, members] of sections) {
    lines.push(
      '',
      section === '' ? '## General' : `## ${section}`,
      '',
      '| key | default | |',
      '| --- | --- | --- |',
    );
    for (const { key, byDefault, description, secret } of members)
      lines.push(
        `| \`${key}\` | ${shownDefault(byDefault)} | ${cell(description)}${secret ? '. Secret' : ''}. |`,
      );
  }
  return `${lines.join('\n')}\n`;
}

function shownDefault(value: unknown): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text.replace(/\.$/, '').replaceAll('|', '\\|');
}
