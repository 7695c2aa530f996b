import { createServer, type Server } from 'node:http';
import { freePort } from './child-process.ts';

/**
 * A scrape target whose samples are a function of how often it was scraped, with what a real exporter
 * seldom shows: counters that restart, series that come and go, NaN and infinities, awkward label values.
 */
export class ScriptedTarget {
  readonly target: string;
  readonly #server: Server;
  #scrapes = 0;

  private constructor(port: number) {
    this.target = `127.0.0.1:${port}`;
    this.#server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(page(this.#scrapes++));
    });
  }

  static async start(): Promise<ScriptedTarget> {
    const port = await freePort();
    const scripted = new ScriptedTarget(port);
    await new Promise<void>((resolve) => scripted.#server.listen(port, '127.0.0.1', resolve));
    return scripted;
  }

  dispose(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const SHARDS = 4;

function page(n: number): string {
  const lines = [
    '# HELP scripted_restarting_total Starts again at zero.',
    '# TYPE scripted_restarting_total counter',
  ];
  for (let shard = 0; shard < SHARDS; shard++) {
    const sinceRestart = (n + 5 * shard) % 23;
    lines.push(`scripted_restarting_total{shard="${shard}"} ${sinceRestart * (7 + shard)}`);
  }
  lines.push('# HELP scripted_wave Goes up and down, with decimals.', '# TYPE scripted_wave gauge');
  for (let shard = 0; shard < SHARDS; shard++)
    lines.push(
      `scripted_wave{shard="${shard}",zone="z${shard % 2}"} ${(Math.sin(n / 7 + shard) * 1e3).toFixed(3)}`,
    );
  lines.push('# HELP scripted_zone_weight One for each zone.', '# TYPE scripted_zone_weight gauge');
  for (const zone of [0, 1])
    lines.push(`scripted_zone_weight{zone="z${zone}",tier="t${zone}"} ${2 + zone + (n % 3)}`);
  lines.push('# HELP scripted_visitor Here for six scrapes of ten.', '# TYPE scripted_visitor gauge');
  if (n % 10 < 6) lines.push(`scripted_visitor{who="now and then"} ${n}`);
  lines.push('# HELP scripted_odd Values that are not numbers.', '# TYPE scripted_odd gauge');
  lines.push(`scripted_odd{kind="nan"} NaN`, `scripted_odd{kind="sometimes"} ${n % 4 === 0 ? 'NaN' : n}`);
  lines.push(
    `scripted_odd{kind="up"} +Inf`,
    `scripted_odd{kind="down"} -Inf`,
    'scripted_odd{kind="tiny"} 5e-324',
  );
  lines.push(`scripted_odd{kind="huge"} 1.7976931348623157e+308`, 'scripted_odd{kind="negative zero"} -0');
  lines.push('# HELP scripted_text Labels with \\\\ and \\n in them.', '# TYPE scripted_text untyped');
  const texts = [
    'quote \\" inside',
    'back\\\\slash',
    'line\\nbreak',
    'größer 度 😀',
    '{braces=\\"x\\"}',
    ' spaced ',
  ];
  for (const [i, value] of texts.entries()) lines.push(`scripted_text{value="${value}"} ${i + n / 8}`);
  return `${lines.join('\n')}\n${histogram(n)}`;
}

function histogram(n: number): string {
  const lines = [
    '# HELP scripted_latency_seconds A classic histogram.',
    '# TYPE scripted_latency_seconds histogram',
  ];
  for (const path of ['/a', '/b']) {
    const scale = path === '/a' ? 3 : 11;
    let cumulative = 0;
    for (const [i, le] of ['0.005', '0.05', '0.5', '5', '+Inf'].entries()) {
      cumulative += Math.floor((n * scale) / (i + 1));
      lines.push(`scripted_latency_seconds_bucket{path="${path}",le="${le}"} ${cumulative}`);
    }
    lines.push(`scripted_latency_seconds_sum{path="${path}"} ${(n * scale * 0.37).toFixed(4)}`);
    lines.push(`scripted_latency_seconds_count{path="${path}"} ${cumulative}`);
  }
  return `${lines.join('\n')}\n`;
}
