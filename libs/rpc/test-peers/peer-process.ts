import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** For tests: a process that can be killed or stopped. It serves an upstream, and an ingester that never runs dry. */
export interface PeerProcess {
  readonly httpAddress: string;
  readonly grpcAddress: string;
  signal(signal: NodeJS.Signals): void;
  readonly exited: Promise<unknown>;
}

export interface PeerPorts {
  readonly httpPort: number;
  readonly grpcPort: number;
}

export async function startPeerProcess(t: TestContext): Promise<PeerProcess> {
  const child: ChildProcess = fork(new URL('./peer-main.ts', import.meta.url), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [{ httpPort, grpcPort }] = (await once(child, 'message')) as [PeerPorts];
  return {
    httpAddress: `127.0.0.1:${httpPort}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    signal: (signal) => void child.kill(signal),
    exited,
  };
}
