import { parse, stringify } from 'yaml';
import type { z } from 'zod';
import { type Setting, settingsOf } from './config-settings.ts';

export { secret } from './config-settings.ts';

/** Where a configuration comes from; earlier ones win. Whatever none of them says has the schema's default. */
export interface ConfigSources {
  /** Arguments behind the target: `--listen=127.0.0.1:9009`, or `--listen 127.0.0.1:9009`. */
  readonly argv: readonly string[];
  /** Only `XSCALER_…` is looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of the YAML file, if there is one. */
  readonly yaml?: string | undefined;
}

export interface ConfigFault {
  /** What was written: a flag, a variable, or a key of the file. */
  readonly where: string;
  readonly problem: string;
}

/** Everything that is wrong with a configuration, at once. Its message shows no values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'config';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ where, problem }) => `${where}: ${problem}`).join('\n'));
    this.faults = faults;
  }
}

const FILE_FLAG = '--config.file';
const FILE_VARIABLE = 'XSCALER_CONFIG_FILE';

/** The YAML file that flags or environment name: `--config.file`, `XSCALER_CONFIG_FILE`. The caller reads it. */
export function configFilePath(sources: Pick<ConfigSources, 'argv' | 'env'>): string | undefined {
  const faults: ConfigFault[] = [];
  for (const { flag, text } of flagsOf(sources.argv, () => false, faults)) {
    if (flag === FILE_FLAG) return text;
  }
  return sources.env[FILE_VARIABLE];
}

/**
 * Reads a configuration by one naming rule: the key `limits.request_rate` of the file is the flag
 * `--limits.request-rate` and the variable `XSCALER_LIMITS_REQUEST_RATE`. Lists are separated by commas there;
 * what has no plainer form (tables) is written as YAML.
 * @throws ConfigError naming every unknown key and every bad value
 */
export function loadConfig<Schema extends z.ZodType>(
  schema: Schema,
  sources: ConfigSources,
): z.output<Schema> {
  const settings = settingsOf(schema);
  const faults: ConfigFault[] = [];
  const written = new WrittenConfig(settings);
  readFile(written, settings, sources.yaml, faults);
  readVariables(written, settings, sources.env, faults);
  readFlags(written, settings, sources.argv, faults);
  if (faults.length > 0) throw new ConfigError(faults);
  const result = schema.safeParse(written.tree);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => ({
      where: written.whereOf(issue.path.map(String)),
      problem: issue.message,
    })),
  );
}

type Tree = { [key: string]: unknown };

/** The tree that the schema judges, and who wrote each part of it. */
class WrittenConfig {
  readonly tree: Tree = {};
  readonly #where = new Map<string, string>();

  /** Every section exists, so that its settings get their defaults. */
  constructor(settings: readonly Setting[]) {
    for (const { path } of settings) this.#section(path);
  }

  set(setting: Setting, value: unknown, where: string): void {
    this.#section(setting.path)[setting.path.at(-1)!] = value;
    this.#where.set(setting.key, where);
  }

  whereOf(path: readonly string[]): string {
    for (let length = path.length; length > 0; length--) {
      const where = this.#where.get(path.slice(0, length).join('.'));
      if (where !== undefined)
        return length === path.length ? where : `${where} (${path.slice(length).join('.')})`;
    }
    return path.join('.');
  }

  #section(path: readonly string[]): Tree {
    let section = this.tree;
    for (const key of path.slice(0, -1)) {
      section[key] ??= {};
      section = section[key] as Tree;
    }
    return section;
  }
}

function readFile(
  written: WrittenConfig,
  settings: readonly Setting[],
  yaml: string | undefined,
  faults: ConfigFault[],
): void {
  let document: unknown;
  try {
    document = parse(yaml ?? '') ?? {};
  } catch (error) {
    // The lines behind the first show a piece of the file, which may well be a password.
    faults.push({ where: 'configuration file', problem: (error as Error).message.split('\n')[0] });
    return;
  }
  if (!isTree(document)) {
    faults.push({ where: 'configuration file', problem: 'not a mapping of keys to values' });
    return;
  }
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  const sections = new Set(
    settings.flatMap(({ path }) => path.slice(0, -1).map((_, i) => path.slice(0, i + 1).join('.'))),
  );
  const walk = (tree: Tree, prefix: string) => {
    for (const [name, value] of Object.entries(tree)) {
      const key = prefix + name;
      const setting = byKey.get(key);
      if (setting !== undefined) {
        // `key:` with nothing behind it says nothing.
        if (value !== null) written.set(setting, value, key);
      } else if (!sections.has(key)) {
        faults.push({ where: key, problem: 'unknown key' });
      } else if (isTree(value)) {
        walk(value, `${key}.`);
      } else if (value !== null) {
        faults.push({ where: key, problem: 'must be a section of keys' });
      }
    }
  };
  walk(document, '');
}

/** Every `XSCALER_…` counts: Kubernetes must be told not to add its own for services (`enableServiceLinks: false`). */
function readVariables(
  written: WrittenConfig,
  settings: readonly Setting[],
  env: ConfigSources['env'],
  faults: ConfigFault[],
): void {
  const byVariable = new Map(settings.map((setting) => [setting.variable, setting]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('XSCALER_') || variable === FILE_VARIABLE || text === undefined) continue;
    const setting = byVariable.get(variable);
    if (setting === undefined) faults.push({ where: variable, problem: 'unknown variable' });
    else setText(written, setting, text, variable, faults);
  }
}

function readFlags(
  written: WrittenConfig,
  settings: readonly Setting[],
  argv: readonly string[],
  faults: ConfigFault[],
): void {
  const byFlag = new Map(settings.map((setting) => [setting.flag, setting]));
  const isBoolean = (flag: string) => byFlag.get(flag)?.kind === 'boolean';
  for (const { flag, text } of flagsOf(argv, isBoolean, faults)) {
    if (flag === FILE_FLAG) continue;
    const setting = byFlag.get(flag);
    if (setting === undefined) faults.push({ where: flag, problem: 'unknown flag' });
    else setText(written, setting, text, flag, faults);
  }
}

interface Flag {
  readonly flag: string;
  readonly text: string;
}

function flagsOf(
  argv: readonly string[],
  isBoolean: (flag: string) => boolean,
  faults: ConfigFault[],
): Flag[] {
  const flags: Flag[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i];
    if (!argument.startsWith('--')) {
      faults.push({ where: argument, problem: 'not a flag' });
      continue;
    }
    const equals = argument.indexOf('=');
    if (equals !== -1) flags.push({ flag: argument.slice(0, equals), text: argument.slice(equals + 1) });
    else if (isBoolean(argument)) flags.push({ flag: argument, text: 'true' });
    else if (i + 1 < argv.length && !argv[i + 1].startsWith('--'))
      flags.push({ flag: argument, text: argv[++i] });
    else faults.push({ where: argument, problem: 'needs a value' });
  }
  return flags;
}

function setText(
  written: WrittenConfig,
  setting: Setting,
  text: string,
  where: string,
  faults: ConfigFault[],
): void {
  try {
    written.set(setting, parseText(setting, text), where);
  } catch (error) {
    faults.push({ where, problem: (error as Error).message });
  }
}

function parseText(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case 'text':
      return text;
    case 'number':
      // `Number('')` is 0: nobody who leaves a variable empty means that.
      if (text.trim() === '' || Number.isNaN(Number(text))) throw new Error('must be a number');
      return Number(text);
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw new Error('must be true or false');
      return text === 'true';
    case 'list':
      if (text.startsWith('[')) return parse(text);
      return text === '' ? [] : text.split(',').map((part) => part.trim());
    case 'yaml':
      return parse(text);
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The effective configuration as a YAML file that would bring it about, but for its secrets, which are masked. */
export function printConfig<Schema extends z.ZodType>(schema: Schema, config: z.output<Schema>): string {
  const shown = structuredClone(config) as Tree;
  for (const { path, secret } of settingsOf(schema)) {
    if (!secret) continue;
    const section = path
      .slice(0, -1)
      .reduce<unknown>((tree, key) => (isTree(tree) ? tree[key] : undefined), shown);
    const key = path.at(-1)!;
    if (isTree(section) && section[key] !== undefined && section[key] !== '') section[key] = '********';
  }
  return stringify(shown);
}

/** All settings of a schema under their three names, with defaults. */
export function helpText(schema: z.ZodType): string {
  const file = `${FILE_FLAG}\n    ${FILE_VARIABLE}\n    YAML file to read\n`;
  const entries = settingsOf(schema).map(({ flag, variable, description, byDefault, secret }) => {
    const shown = byDefault === undefined || secret ? '' : ` (default ${JSON.stringify(byDefault)})`;
    const text = `${description}${shown}`.trim();
    return `${flag}\n    ${variable}\n${text === '' ? '' : `    ${text}\n`}`;
  });
  return [file, ...entries].join('');
}
