import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type Binaries, type Launcher, launch, locateBinaries, NOBODY, ownLauncher, userLauncher } from './binaries.ts';
import { endUnfinished } from './postmaster.ts';

export const OWNER = 'sapar_owner';
export const APP = 'sapar_app';
export const DATABASE = 'sapar';
const PORT = 5432;

/** Bytes of a socket's full path: Linux allows 107, macOS 103. One bound, so that a data folder can move between them. */
const SOCKET_PATH_BYTES_MAX = 103;
const LOG_BYTES_MAX = 16 * 1024 * 1024;
const LOG_TAIL_BYTES = 4 * 1024;
const SYSTEM_HOME = '/var/lib';

/** Everything around one data folder has its name as prefix and lives beside it, so that a copy of the folder is only data. */
export type Files = {
  readonly data: string;
  readonly lock: string;
  readonly owner: string;
  readonly passwords: string;
  readonly log: string;
};

export type Cluster = {
  readonly files: Files;
  /** The data folder without symbolic links: the name by which a running PostgreSQL is recognised. */
  readonly data: string;
  readonly launcher: Launcher;
  readonly passwords: Passwords;
};

export type Passwords = { readonly owner: string; readonly app: string };

/** Two spellings of one folder must meet in one lock, hence the real path of what exists. */
export function filesOf(dataDir: string): Files {
  const parent = dirname(resolve(dataDir));
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const data = join(realpathSync(parent), basename(resolve(dataDir)));
  return { data, lock: `${data}.lock`, owner: `${data}.owner`, passwords: `${data}.passwords`, log: `${data}.log` };
}

/** Under the lock: the cluster of this folder, made on first use, with how to run it on this machine. */
export async function openCluster(files: Files, log: (line: string) => void): Promise<Cluster> {
  await sweepUnfinished(files);
  const binaries = locateBinaries();
  if (!existsSync(join(files.data, 'PG_VERSION'))) await create(files, binaries, log);
  const data = realpathSync(files.data);
  const written = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  const major = binaries.version.split('.')[0];
  if (written !== major) {
    throw new Error(
      `${files.data} was written by PostgreSQL ${written}, this version brings ${major}: export with the version that wrote it, then import`,
    );
  }
  return { files, data, launcher: await launcherFor(data, binaries), passwords: readPasswords(files) };
}

async function launcherFor(data: string, binaries: Binaries): Promise<Launcher> {
  const owner = statSync(data).uid;
  const mine = process.geteuid?.();
  const isOurs = mine === undefined || owner === mine;
  if (!isOurs && mine !== 0)
    throw new Error(`${data} belongs to user ${owner}, we are ${mine}: run as that user, or use another data folder`);
  const launcher = isOurs
    ? await ownLauncher(binaries.native, data)
    : await userLauncher(binaries, owner, { home: data, copies: dirname(data) });
  if (launcher) return launcher;
  throw new Error(
    mine === 0
      ? `PostgreSQL refuses to run as root and this machine refuses user namespaces, so ${data} cannot be served by root: run as an ordinary user who owns it, allow user namespaces, or set DATABASE_URL`
      : `the embedded PostgreSQL in ${binaries.native} does not run on this machine: set DATABASE_URL to a PostgreSQL of your own`,
  );
}

/** A kill in the middle of creation leaves drafts, never a half cluster: the finished one appears by one rename. */
async function create(files: Files, binaries: Binaries, log: (line: string) => void): Promise<void> {
  if (lstatSync(files.data, { throwIfNoEntry: false })) removeIfEmpty(files.data);
  log('creating the database (first start)');
  const passwords = existsSync(files.passwords) ? readPasswords(files) : writePasswords(files);
  const home = `${files.data}.init-${randomBytes(4).toString('hex')}`;
  mkdirSync(home, { mode: 0o700 });
  const launcher = await ownLauncher(binaries.native, home);
  if (launcher) {
    await initdb(launcher, home, passwords);
    renameSync(join(home, 'data'), files.data);
    syncFolder(dirname(files.data));
    rmSync(home, { recursive: true, force: true });
    return;
  }
  rmSync(home, { recursive: true, force: true });
  if (process.geteuid?.() !== 0)
    throw new Error(
      `the embedded PostgreSQL in ${binaries.native} does not run on this machine: set DATABASE_URL to a PostgreSQL of your own`,
    );
  await createForNobody(files, binaries, passwords);
  log(`user namespaces are not available: the database belongs to 'nobody' and lives in ${realpathSync(files.data)}`);
}

/** As root without user namespaces: data and binaries go where an unprivileged user can reach them, and a link says where. */
async function createForNobody(files: Files, binaries: Binaries, passwords: Passwords): Promise<void> {
  const home = join(SYSTEM_HOME, `sapar-embedded-${shortHash(files.data)}-${randomBytes(4).toString('hex')}`);
  const draft = `${home}.init`;
  mkdirSync(draft, { mode: 0o700 });
  chownSync(draft, NOBODY, NOBODY);
  const launcher = await userLauncher(binaries, NOBODY, { home: draft, copies: draft });
  if (!launcher) {
    rmSync(draft, { recursive: true, force: true });
    throw new Error(
      `PostgreSQL refuses to run as root, and neither a user namespace nor user ${NOBODY} works on this machine: run as an ordinary user, or set DATABASE_URL`,
    );
  }
  await initdb(launcher, draft, passwords);
  renameSync(draft, home);
  syncFolder(SYSTEM_HOME);
  symlinkSync(join(home, 'data'), files.data);
  syncFolder(dirname(files.data));
}

async function initdb(launcher: Launcher, home: string, passwords: Passwords): Promise<void> {
  const data = join(home, 'data');
  const passwordFile = join(home, 'password');
  writeFileSync(passwordFile, passwords.owner, { mode: 0o600 });
  give(passwordFile, launcher);
  const child = launch(launcher, 'initdb', {
    output: 'pipe',
    folder: home,
    args: [
      `--pgdata=${data}`,
      `--username=${OWNER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // Sorting by code point, the same on every machine and for ever: an index never depends on the system's libraries.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
    ],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  if (code !== 0) throw new Error(`initdb ended with ${code}:\n${output.trim()}`);
  rmSync(passwordFile);
  const conf = join(data, 'postgresql.conf');
  appendFileSync(conf, "\ninclude 'sapar.conf'\n");
  // Complete before the rename makes it a cluster: the file is included, so PostgreSQL would not start without it.
  writeFileSync(join(data, 'sapar.conf'), '# Written anew at each start.\n', { mode: 0o600 });
  give(join(data, 'sapar.conf'), launcher);
  for (const each of [conf, join(data, 'sapar.conf'), data]) syncFolder(each);
}

/** Not ours to throw away: only an empty folder makes room for a new cluster. */
function removeIfEmpty(data: string): void {
  if (!existsSync(data))
    throw new Error(
      `${data} is a link to ${readlinkSync(data)}, which is gone: restore that folder, or remove the link to start with an empty database`,
    );
  if (readdirSync(data).length > 0)
    throw new Error(`${data} is not empty and not a PostgreSQL data folder: move it away, or name another`);
  rmdirSync(data);
}

async function sweepUnfinished(files: Files): Promise<void> {
  const abandoned = `sapar-embedded-${shortHash(files.data)}-`;
  const inSystem = process.geteuid?.() === 0 && existsSync(SYSTEM_HOME) ? readdirSync(SYSTEM_HOME) : [];
  const drafts = [
    ...readdirSync(dirname(files.data))
      .filter((name) => name.startsWith(`${basename(files.data)}.init-`))
      .map((name) => join(dirname(files.data), name)),
    ...inSystem
      .filter((name) => name.startsWith(abandoned) && name.endsWith('.init'))
      .map((name) => join(SYSTEM_HOME, name)),
  ];
  for (const draft of drafts) {
    await endUnfinished(draft);
    rmSync(draft, { recursive: true, force: true, maxRetries: 5 });
  }
}

function readPasswords(files: Files): Passwords {
  try {
    return JSON.parse(readFileSync(files.passwords, 'utf8')) as Passwords;
  } catch (cause) {
    throw new Error(
      `cannot read ${files.passwords}, without which the database in ${files.data} stays closed: restore it from a backup`,
      { cause },
    );
  }
}

function writePasswords(files: Files): Passwords {
  const passwords = { owner: randomBytes(24).toString('hex'), app: randomBytes(24).toString('hex') };
  const draft = `${files.passwords}.draft`;
  rmSync(draft, { force: true });
  writeFileSync(draft, JSON.stringify(passwords), { mode: 0o600, flag: 'wx', flush: true });
  renameSync(draft, files.passwords);
  syncFolder(dirname(files.passwords));
  return passwords;
}

/** PostgreSQL's settings, written at each start: they follow the machine and the version of the code, not the first start. */
export function configure(cluster: Cluster, socketDir: string, extra: Readonly<Record<string, string>>): void {
  const settings = {
    // Money: a commit that was answered survives a power cut.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // A socket only our user can reach, and no TCP port for anybody.
    listen_addresses: '',
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    port: String(PORT),
    max_connections: '100',
    // pglz is the one compression these binaries are built with.
    wal_compression: 'pglz',
    max_wal_size: '4GB',
    min_wal_size: '512MB',
    checkpoint_timeout: '15min',
    checkpoint_completion_target: '0.9',
    shared_buffers: `${sharedBuffersMb()}MB`,
    work_mem: '16MB',
    maintenance_work_mem: '256MB',
    random_page_cost: '1.1',
    jit: 'off',
    track_io_timing: 'off',
    autovacuum: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // The log goes to a file we bound in size. Terse leaves out DETAIL, which quotes the values of a violated key: numbers, PIN codes' MACs.
    logging_collector: 'off',
    log_error_verbosity: 'terse',
    log_line_prefix: '%m [%p] ',
    // After a crash every file is synced before recovery; one call a file system instead of one a file.
    ...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
    ...extra,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  const path = join(cluster.data, 'sapar.conf');
  const draft = `${path}.draft`;
  writeFileSync(draft, `# Written anew at each start; ALTER SYSTEM overrides it.\n${lines.join('\n')}\n`, {
    mode: 0o600,
  });
  give(draft, cluster.launcher);
  renameSync(draft, path);
}

function sharedBuffersMb(): number {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const memory = Math.min(totalmem(), limit);
  return Math.max(16, Math.min(512, Math.floor(memory / 4 / 1024 / 1024)));
}

/** Beside the data when the path is short enough for a socket, otherwise in a folder of our own in the temporary one. */
export function chooseSocketDir(cluster: Cluster): string {
  const hidden = `sapar-${userOf(cluster)}-${shortHash(cluster.data)}`;
  const dir = [`${cluster.data}.sock`, join(tmpdir(), hidden), join('/tmp', hidden)].find(isUsableForSocket);
  if (dir === undefined)
    throw new Error('no folder has a path short enough for a Unix socket: set TMPDIR to a shorter one');
  return dir;
}

/** In a world-writable folder somebody else may have made it first, to offer us a database of theirs. */
export function makeSocketDir(cluster: Cluster, dir: string): void {
  const existing = lstatSync(dir, { throwIfNoEntry: false });
  if (!existing) {
    mkdirSync(dir, { mode: 0o700 });
    give(dir, cluster.launcher);
  } else if (!existing.isDirectory() || existing.uid !== userOf(cluster)) {
    throw new Error(`${dir} is not ours: remove it, it stands in the way of the database's socket`);
  }
  chmodSync(dir, 0o700);
}

function userOf(cluster: Cluster): number {
  return cluster.launcher.user?.uid ?? process.geteuid?.() ?? 0;
}

/** PostgreSQL reads the setting as a quoted list, so a comma, quote or backslash in the path would change its meaning. */
function isUsableForSocket(dir: string): boolean {
  return Buffer.byteLength(`${dir}/.s.PGSQL.${PORT}`) <= SOCKET_PATH_BYTES_MAX && !/[,"'\\\n@]/.test(dir);
}

/** npm pg and libpq both read this form: no host before the slash, the socket's folder as a parameter. */
export function urlOf(socketDir: string, role: { user: string; password: string; database?: string }): string {
  return `postgres://${role.user}:${role.password}@/${role.database ?? DATABASE}?host=${encodeURIComponent(socketDir)}&port=${PORT}`;
}

export function openLog(cluster: Cluster): { fd: number; size: number } {
  boundLog(cluster.files);
  const fd = openSync(cluster.files.log, 'a', 0o600);
  give(cluster.files.log, cluster.launcher);
  return { fd, size: statSync(cluster.files.log).size };
}

/** PostgreSQL appends, so the file may be cut under it; lines written between the copy and the cut are lost, which a bound is worth. */
export function boundLog(files: Files): void {
  if (!existsSync(files.log) || statSync(files.log).size < LOG_BYTES_MAX) return;
  copyFileSync(files.log, `${files.log}.1`);
  truncateSync(files.log, 0);
}

/** What PostgreSQL said last, after byte `from`: the reason belongs in our error, not in a file somebody has to find. */
export function logTail(files: Files, from = 0): string {
  if (!existsSync(files.log)) return '';
  const { size } = statSync(files.log);
  const start = Math.max(Math.min(from, size), size - LOG_TAIL_BYTES);
  const buffer = Buffer.alloc(size - start);
  const fd = openSync(files.log, 'r');
  try {
    readSync(fd, buffer, 0, buffer.length, start);
  } finally {
    closeSync(fd);
  }
  return buffer.toString().trim();
}

function give(path: string, launcher: Launcher): void {
  if (launcher.user) chownSync(path, launcher.user.uid, launcher.user.gid);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** A rename is durable once its folder is synced; the same call serves a file. */
function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
