/** Installs the Debian packages that are named as arguments, without starting their services. */
import { NODE_EXPORTER, POSTGRES, PROMETHEUS, provision, REDIS, VICTORIA_METRICS } from './debian.ts';

const known = [PROMETHEUS, NODE_EXPORTER, VICTORIA_METRICS, POSTGRES, REDIS];
const wanted = known.filter(({ debianPackage }) => process.argv.slice(2).includes(debianPackage));
const missing = provision(wanted);
for (const { command, debianPackage } of missing)
  console.error(`${command} is missing: install the package ${debianPackage}`);
if (missing.length > 0) process.exitCode = 1;
