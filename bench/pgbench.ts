import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './children.ts';

/** PostgreSQL's own benchmark on the same cluster: what everybody can compare with. */
export type Pgbench = {
  readonly version: string;
  /** Transactions a second. `simple` leaves out the two contended updates (`-N`). */
  measure(kind: 'simple' | 'tpcb', seconds: number): Promise<{ rate: number; meanMs: number }>;
};

export const pgbenchSettings = { scale: 20, clients: 10, threads: 2, mode: 'prepared' } as const;

const { scale, clients, threads, mode } = pgbenchSettings;

/** Undefined where no pgbench is installed. */
export function findPgbench(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  return folders.map((folder) => join(folder, 'pgbench')).find((path) => existsSync(path));
}

/** Fills its tables. `url` is a database of its own. */
export async function openPgbench(program: string, url: string): Promise<Pgbench> {
  const env = environmentOf(url);
  const { stdout: version } = await run(program, ['--version']);
  await run(program, ['--initialize', '--quiet', `--scale=${scale}`], env);
  return {
    version: version.trim(),
    async measure(kind, seconds) {
      const args = [`--client=${clients}`, `--jobs=${threads}`, `--protocol=${mode}`, `--time=${seconds}`];
      const { stdout } = await run(program, kind === 'simple' ? ['-N', ...args] : args, env);
      const rate = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1]);
      const meanMs = Number(/^latency average = ([\d.]+) ms/m.exec(stdout)?.[1]);
      if (!(rate > 0)) throw new Error(`pgbench said nothing that can be read: ${stdout}`);
      return { rate, meanMs };
    },
  };
}

/** In the environment, because a command line is seen by everybody on the machine. */
function environmentOf(url: string): Record<string, string> {
  const match = /^postgres:\/\/([^:]+):([^@]+)@\/([^?]+)\?host=([^&]+)&port=(\d+)$/.exec(url);
  const [user = '', password = '', database = '', host = '', port = ''] = match?.slice(1) ?? [];
  return { PGUSER: user, PGPASSWORD: password, PGDATABASE: database, PGHOST: decodeURIComponent(host), PGPORT: port };
}
