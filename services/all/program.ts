/** `xscaler <target>`: today's target is `all`; `config` prints the effective configuration, `help` every setting. */
import { readFileSync } from 'node:fs';
import {
  ConfigError,
  configFilePath,
  createLogger,
  helpText,
  Lifecycle,
  loadConfig,
  printConfig,
} from '@xscaler/runtime';
import { type Config, configSchema } from './config.ts';
import { allInOne } from './targets/all.ts';
import { welcomeBackText, welcomeText } from './welcome.ts';

const USAGE = 'usage: xscaler [all|config|help] [--config.file FILE] [--SETTING VALUE …]\n';

/** @returns the process' exit code */
export async function main(argv: readonly string[]): Promise<number> {
  const named = argv[0] !== undefined && !argv[0].startsWith('-');
  const target = named ? argv[0] : 'all';
  const flags = named ? argv.slice(1) : argv;
  if (target === 'help' || flags.includes('--help')) {
    process.stdout.write(`${USAGE}\n${helpText(configSchema)}\n`);
    return 0;
  }
  if (target !== 'all' && target !== 'config') {
    process.stderr.write(`unknown target ${JSON.stringify(target)}\n${USAGE}`);
    return 2;
  }
  const config = readConfig(flags);
  if (config === undefined) return 2;
  if (target === 'config') {
    process.stdout.write(printConfig(configSchema, config));
    return 0;
  }
  return runAll(config);
}

function readConfig(argv: readonly string[]): Config | undefined {
  try {
    const path = configFilePath({ argv, env: process.env });
    const yaml = path === undefined ? undefined : readFileSync(path, 'utf8');
    return loadConfig(configSchema, { argv, env: process.env, yaml });
  } catch (error) {
    const faults = error instanceof ConfigError ? error.message : (error as Error).message;
    process.stderr.write(`bad configuration\n${faults}\n`);
    return undefined;
  }
}

async function runAll(config: Config): Promise<number> {
  const logger = createLogger({ service: 'all', level: config.log.level });
  const all = allInOne(config, logger, () => lifecycle.notReady());
  const greet = {
    name: 'greeting',
    needs: ['gateway'],
    start: async () => {
      const { url, bootstrapped } = all.greeting();
      const { tenant, token } = bootstrapped;
      process.stdout.write(
        token === undefined ? welcomeBackText(url, tenant) : welcomeText(url, tenant, token),
      );
    },
  };
  const lifecycle: Lifecycle = new Lifecycle({ modules: [...all.modules, greet], logger });
  return lifecycle.runUntilSignal();
}
