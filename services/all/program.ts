/** `xscaler <target>`: a service, everything in one process, or a command of the operator. */
import { readFileSync } from 'node:fs';
import {
  createLogger,
  dropBootLeftovers,
  Lifecycle,
  type Logger,
  type Module,
  type Readiness,
} from '@xscaler/runtime';
import { ConfigError, configFilePath, helpText, loadConfig, printConfig } from '@xscaler/runtime/config';
import { LOG_COMMANDS, runLogCommand } from './commands/log-commands.ts';
import { runTenantCommand, TENANT_COMMANDS } from './commands/tenant-commands.ts';
import { type Config, configSchema } from './configuration/config.ts';
import { warningsOfSecretFiles, withSecretsFromFiles } from './configuration/secret-files.ts';
import { DOCTOR_COMMANDS, runDoctor } from './doctor/doctor-command.ts';
import { allInOne, checkAlone } from './processes/all.ts';
import { welcomeBackText, welcomeText } from './processes/welcome.ts';

type Target = (config: Config, logger: Logger, readiness: Readiness) => Promise<Module[]>;

/** Each loads what it needs when it is asked for: one process on one machine has no use for Kafka's driver. */
const TARGETS: Readonly<Record<string, Target>> = {
  all: async (...context) => greeted(allInOne(...context)),
  gateway: async (...context) => (await import('./processes/gateway.ts')).gatewayProcess(...context),
  distributor: async (...context) =>
    (await import('./processes/distributor.ts')).distributorProcess(...context),
  ingester: async (...context) => (await import('./processes/ingester.ts')).ingesterProcess(...context),
  querier: async (...context) => (await import('./processes/querier.ts')).querierProcess(...context),
  compactor: async (...context) => (await import('./processes/compactor.ts')).compactorProcess(...context),
};

/** The last module of every target. */
const BOOTED: Module = { name: 'booted', start: async () => dropBootLeftovers() };

const USAGE = `usage: xscaler [TARGET] [--config.file FILE] [--SETTING VALUE …]

targets: ${Object.keys(TARGETS).join(', ')}
commands: config (prints the effective configuration), help (every setting),
${[...TENANT_COMMANDS, ...LOG_COMMANDS, ...DOCTOR_COMMANDS].map((line) => `  ${line}`).join('\n')}
`;

/** @returns the process' exit code */
export async function main(argv: readonly string[]): Promise<number> {
  const words = argv.slice(0, firstFlag(argv));
  const flags = argv.slice(words.length);
  const [target = 'all'] = words;
  if (target === 'help' || flags.includes('--help')) {
    process.stdout.write(`${USAGE}\n${helpText(configSchema)}\n`);
    return 0;
  }
  if (target === 'tenant' || target === 'token') return runTenantCommand(words, flags, readConfig);
  if (target === 'doctor') return runDoctor(words, flags, readConfig);
  if (target === 'log') return runLogCommand(words, flags, readConfig);
  if (words.length > 1 || (target !== 'config' && TARGETS[target] === undefined)) {
    process.stderr.write(`unknown target ${JSON.stringify(words.join(' '))}\n${USAGE}`);
    return 2;
  }
  if (target === 'config') {
    const written = readConfig(flags, (config) => config);
    if (written !== undefined) process.stdout.write(printConfig(configSchema, written));
    return written === undefined ? 2 : 0;
  }
  // What talks to other processes is loaded by those that do.
  const network = target === 'all' ? undefined : await import('./network/service-network.ts');
  const config = readConfig(flags, (written) =>
    network === undefined
      ? withSecretsFromFiles(checkAlone(written))
      : network.checkServiceNetwork(target, withSecretsFromFiles(written)),
  );
  if (config === undefined) return 2;
  const logger = createLogger({ service: target, level: config.log.level });
  for (const { text, mend } of warningsOfSecretFiles(config)) logger.warn({}, `${text}: ${mend}`);
  // Asked once the lifecycle exists.
  const readiness: Readiness = {
    notReady: () => lifecycle.notReady(),
    warnings: () => lifecycle.warnings(),
  };
  const modules = await TARGETS[target](config, logger, readiness);
  const lifecycle: Lifecycle = new Lifecycle({ modules: [...modules, BOOTED], logger });
  return lifecycle.runUntilSignal();
}

function firstFlag(argv: readonly string[]): number {
  const at = argv.findIndex((word) => word.startsWith('-'));
  return at < 0 ? argv.length : at;
}

/** `complete` makes of the written configuration what is worked with. */
function readConfig(
  argv: readonly string[],
  complete: (written: Config) => Config = withSecretsFromFiles,
): Config | undefined {
  try {
    const path = configFilePath({ argv, env: process.env });
    const yaml = path === undefined ? undefined : readFileSync(path, 'utf8');
    return complete(loadConfig(configSchema, { argv, env: process.env, yaml }));
  } catch (error) {
    const faults = error instanceof ConfigError ? error.message : (error as Error).message;
    process.stderr.write(`bad configuration\n${faults}\n`);
    return undefined;
  }
}

/** With a last module that says where it listens and, at the first start, prints the blocks to copy. */
function greeted({ modules, greeting }: ReturnType<typeof allInOne>): Module[] {
  const greet = async () => {
    const { url, tenant, token } = greeting();
    process.stdout.write(
      token === undefined ? welcomeBackText(url, tenant) : welcomeText(url, tenant, token),
    );
  };
  return [...modules, { name: 'greeting', needs: ['first-token'], start: greet }];
}
