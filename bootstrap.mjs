// @ts-check
/**
 * The first step of every npm script: node bootstrap.mjs <verb> [arguments]. Brings dependencies, compiled messages and the
 * built site up to date, each only when its inputs changed, then hands over to the pinned Node. Plain JavaScript without
 * dependencies, for any Node >= 20: it runs before anything is installed.
 *
 * What it makes lives in .build/, in folders that never change once they are there; a link says which is current and
 * is switched in one rename. So a running instance keeps the files it started with, and a kill -9 at any moment leaves
 * the old ones in place.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { acquireLock, isRunning, processStart, readHolder, thisProcess } from './src/db/filelock.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const build = join(root, '.build');
const instances = join(build, 'instances');
const modules = join(root, 'node_modules');
const pinnedNode = join(modules, '.bin/node');

const NODE_MAJOR_MIN = 20;
const LOCK_MS = 20 * 60_000;
/** Another command may only be passing through; a server stays. */
const PASSING_MS = 2_000;
const WATCH_MS = 250;
const OUTPUT_TAIL_LINES = 25;

/** @type {Record<string, { install: 'prod' | 'full', run: string[], site: boolean }>} */
const verbs = {
  start: { install: 'prod', run: ['src/main.ts', 'serve'], site: true },
  sapar: { install: 'prod', run: ['src/main.ts'], site: false },
  test: { install: 'full', run: ['test/run.ts'], site: true },
  check: { install: 'full', run: ['test/run.ts', '--check'], site: true },
  bench: { install: 'full', run: ['bench/main.ts'], site: true },
  crashes: { install: 'full', run: ['test/crashes/main.ts'], site: true },
  fuzz: { install: 'full', run: ['test/fuzz/main.ts'], site: false },
  chaos: { install: 'full', run: ['test/chaos/main.ts'], site: true },
  notices: { install: 'full', run: ['test/notices/main.ts'], site: false },
};

/**
 * A step runs when `needs` exist and something in `inputs` changed; it writes into {out}, and `output` becomes a
 * link to that. Names that begin with a dot, node_modules and outputs are never inputs.
 * @type {{ name: string, what: string, needs: string[], inputs: string[], output: string, folder: string, command: string[], env?: Record<string, string> }[]}
 */
const steps = [
  {
    name: 'messages',
    what: 'compiling messages',
    needs: ['messages/en.json', 'project.inlang/settings.json'],
    inputs: ['messages', 'project.inlang/settings.json', 'package-lock.json'],
    output: 'messages/compiled',
    folder: '.',
    command: [
      'paraglide-js',
      'compile',
      '--project',
      './project.inlang',
      '--outdir',
      '{out}',
      // Who speaks says the language; nothing is kept in a cookie or a global.
      '--strategy',
      'baseLocale',
      '--no-emit-git-ignore',
      '--no-emit-prettier-ignore',
      '--no-emit-readme',
    ],
  },
  {
    name: 'site',
    what: 'building the site',
    needs: ['web/src'],
    inputs: ['web', 'messages', 'project.inlang/settings.json', 'package-lock.json'],
    output: 'web/build',
    folder: 'web',
    command: ['vite', 'build'],
    env: { SAPAR_WEB_OUT: '{out}' },
  },
];

/** A failure whose message is all a person needs; anything else is a defect and shows its stack. */
class Stop extends Error {}

/** @param {string} line Progress goes to stderr: stdout belongs to the program, whose output may be read by a machine. */
const say = (line) => process.stderr.write(`sapar: ${line}\n`);

/** @type {import('node:child_process').ChildProcess | undefined} */
let child;
/** @type {NodeJS.Signals | undefined} */
let interrupted;

/** @param {NodeJS.Signals} signal */
function onSignal(signal) {
  interrupted = signal;
  if (!child) process.exit(128 + constants.signals[signal]);
  // The terminal sends Ctrl-C to the whole foreground group, so the child has it already; a second one would mean 'at once'.
  if (signal === 'SIGINT' && process.stdin.isTTY) return;
  child.kill(signal);
}

/**
 * npm runs a script through a shell, and a signal sent to npm can end that shell and leave us: then nobody is there who
 * could stop us, and nobody knows that we run. Called without npm we may well outlive the terminal.
 */
function stopWithNpm() {
  const parent = process.ppid;
  const shellParent = nameOf(parent).endsWith('sh') ? parentOf(parent) : parent;
  if (!nameOf(shellParent).startsWith('npm')) return;
  const watched = [parent, shellParent].map((pid) => ({ pid, startedAt: processStart(pid) ?? 'ended' }));
  const timer = setInterval(() => {
    if (watched.every((each) => isRunning(each))) return;
    clearInterval(timer);
    onSignal('SIGTERM');
  }, WATCH_MS);
  timer.unref();
}

/** @param {number} pid @returns {string} empty where there is no /proc */
function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** @param {number} pid */
function parentOf(pid) {
  return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

async function main() {
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN)
    throw new Stop(`needs Node ${NODE_MAJOR_MIN} or later, this is ${process.version}`);
  const [name = '', ...args] = process.argv.slice(2);
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (!verb) throw new Stop(`usage: node bootstrap.mjs ${Object.keys(verbs).join(' | ')} [arguments]`);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, onSignal);
  stopWithNpm();
  const wanted = steps.filter((step) => (step.name !== 'site' || verb.site || args[0] === 'serve') && isPossible(step));
  const leave = await prepare(verb.install, wanted);
  try {
    const [script = '', ...fixed] = verb.run;
    return await handOver([join(root, script), ...fixed, ...args]);
  } finally {
    leave();
  }
}

/**
 * Everything up to date, and this process on the list of those that use it; the answer takes it off again. It is put
 * on the list before looking, so that nobody changes what was looked at.
 * @param {'prod' | 'full'} mode
 * @param {typeof steps} wanted
 */
async function prepare(mode, wanted) {
  mkdirSync(instances, { recursive: true });
  for (;;) {
    const leave = enlist(wanted);
    if (isInstalled(mode) && wanted.every(isCurrent)) return leave;
    leave();
    const release = await acquireLock(join(build, 'lock'), {
      waitMs: LOCK_MS,
      onWait: (pid) => say(`process ${pid} is preparing this folder; waiting`),
    });
    try {
      sweep();
      if (!isInstalled(mode)) await install(mode);
      for (const step of wanted) if (!isCurrent(step)) await run(step);
      sweep();
    } finally {
      release();
    }
  }
}

/** @param {typeof steps} wanted */
function enlist(wanted) {
  const me = thisProcess();
  const file = join(instances, `${me.nonce}.json`);
  const uses = wanted.map((step) => current(step)).filter((path) => path !== undefined);
  writeAtOnce(file, JSON.stringify({ ...me, uses }));
  return () => rmSync(file, { force: true });
}

/** Who runs on what is here now. @returns {{ pid: number, uses: string[] }[]} */
function running() {
  const entries = readdirSync(instances)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(instances, name));
  return entries.flatMap((file) => {
    const holder = /** @type {{ pid: number, startedAt: string, nonce: string, uses?: string[] } | undefined} */ (
      readHolder(file)
    );
    if (holder && isRunning(holder)) return [{ pid: holder.pid, uses: holder.uses ?? [] }];
    rmSync(file, { force: true });
    return [];
  });
}

/** What an interrupted run left, and outputs that are neither current nor used by anybody. Only under the lock. */
function sweep() {
  const kept = new Set([...steps.map((step) => current(step)), ...running().flatMap(({ uses }) => uses)]);
  for (const name of readdirSync(build)) {
    const isOutput = steps.some((step) => name.startsWith(`${step.name}-`)) && !kept.has(join(build, name));
    if (isOutput || /^(install|old)-/.test(name))
      rmSync(join(build, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

// ---- dependencies

const stampFile = join(modules, '.sapar-stamp');

/** @param {'prod' | 'full'} mode */
function isInstalled(mode) {
  const lock = lockHash();
  const stamp = readJson(stampFile);
  const fits = stamp?.lock === lock && stamp.platform === platform();
  if (fits && (stamp.mode === 'full' || stamp.mode === mode) && existsSync(pinnedNode)) return true;
  // Installed by hand, with `npm ci` or `npm install`: npm's own record says whether it is what the lockfile wants.
  const found = ['full', 'prod'].find((each) => (each === 'full' || each === mode) && isWhatTheLockfileWants(each));
  if (found === undefined) return false;
  stamp_(found);
  return true;
}

/** @param {string} mode */
function isWhatTheLockfileWants(mode) {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages;
  const there = readJson(join(modules, '.package-lock.json'))?.packages;
  if (!wanted || !there || !existsSync(pinnedNode)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const have = there[path];
    const mayBeAbsent = entry.optional || entry.devOptional || (mode === 'prod' && entry.dev);
    return have ? have.version === entry.version && have.integrity === entry.integrity : mayBeAbsent;
  });
}

/** @param {string} mode */
function stamp_(mode) {
  writeAtOnce(stampFile, JSON.stringify({ lock: lockHash(), mode, platform: platform() }));
}

function lockHash() {
  return hash(readFileSync(join(root, 'package-lock.json')));
}

/** A folder shared with another machine (a container, say) has binaries for only one of them. */
function platform() {
  return `${process.platform}-${process.arch}`;
}

/**
 * Into a folder of its own, then two renames: a failed or killed install leaves the old modules as they were.
 * @param {'prod' | 'full'} mode
 */
async function install(mode) {
  // Adding development tools for the same lockfile leaves every file of a running instance in its place; another lockfile does not.
  if (existsSync(modules) && readJson(stampFile)?.lock !== lockHash()) await nobodyElseRuns();
  say(`installing dependencies${existsSync(modules) ? '' : ' (first run, under a minute)'}`);
  const draft = join(build, `install-${randomUUID()}`);
  mkdirSync(draft);
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    if (existsSync(join(root, name))) copyFileSync(join(root, name), join(draft, name));
  }
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const flags = [
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    mode === 'prod' ? '--omit=dev' : '--include=dev',
  ];
  await runQuietly([...npm, 'ci', ...flags], {
    folder: draft,
    log: 'install',
    hint: 'npm could not install the dependencies: is the registry reachable? Nothing was changed; run the same command again',
  });
  if (!existsSync(join(draft, 'node_modules/.bin/node'))) {
    throw new Stop(
      'the pinned Node was not installed: npm is set to ignore install scripts. Allow them for this folder (npm config set ignore-scripts false --location project)',
    );
  }
  moveAway(modules);
  renameSync(join(draft, 'node_modules'), modules);
  stamp_(mode);
}

async function nobodyElseRuns() {
  const giveUpAt = performance.now() + PASSING_MS;
  for (;;) {
    const pids = running().map(({ pid }) => pid);
    if (pids.length === 0) return;
    if (performance.now() > giveUpAt)
      throw new Stop(
        `dependencies changed, and process ${pids.join(', ')} runs on those installed: stop it first, then run the same command again`,
      );
    await delay(100);
  }
}

// ---- steps

/** @param {typeof steps[number]} step */
function isPossible(step) {
  return step.needs.every((path) => existsSync(join(root, path)));
}

/** The folder that the step's output leads to. @param {typeof steps[number]} step @returns {string | undefined} */
function current(step) {
  const link = join(root, step.output);
  if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const target = join(dirname(link), readlinkSync(link));
  return existsSync(target) ? target : undefined;
}

/**
 * By size and times, which is quick; where those differ, by content, so that a fresh checkout of the same files is not built again.
 * @param {typeof steps[number]} step
 */
function isCurrent(step) {
  const files = step.inputs.flatMap((path) => filesUnder(path));
  const record = readJson(recordOf(step));
  const looks = fingerprint(files);
  if (record?.looks === looks && current(step) === outputOf(step, record.content)) return true;
  const content = contentHash(files);
  if (current(step) !== outputOf(step, content)) return false;
  writeAtOnce(recordOf(step), JSON.stringify({ looks, content }));
  return true;
}

/** @param {typeof steps[number]} step */
async function run(step) {
  const files = step.inputs.flatMap((path) => filesUnder(path));
  const looks = fingerprint(files);
  const content = contentHash(files);
  const output = outputOf(step, content);
  if (!existsSync(output)) {
    const began = performance.now();
    say(`${step.what} …`);
    const draft = `${output}.draft-${randomUUID()}`;
    const fill = (/** @type {string} */ word) => word.replace('{out}', draft);
    await runQuietly(step.command.map(fill), {
      folder: join(root, step.folder),
      log: step.name,
      hint: `${step.what} failed`,
      env: Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, fill(value)])),
    });
    if (!existsSync(draft)) throw new Stop(`${step.what} wrote nothing into ${relative(root, draft)}`);
    renameSync(draft, output);
    say(`${step.what}: done in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  switchTo(step, output);
  writeAtOnce(recordOf(step), JSON.stringify({ looks, content }));
}

/** @param {typeof steps[number]} step @param {string} output */
function switchTo(step, output) {
  const link = join(root, step.output);
  const stat = lstatSync(link, { throwIfNoEntry: false });
  // Left by a build by hand; a link cannot be renamed over a folder.
  if (stat && !stat.isSymbolicLink()) moveAway(link);
  const draft = join(build, `old-${randomUUID()}`);
  symlinkSync(relative(dirname(link), output), draft);
  renameSync(draft, link);
}

/** @param {typeof steps[number]} step */
function recordOf(step) {
  return join(build, `${step.name}.json`);
}

/** @param {typeof steps[number]} step @param {string} content */
function outputOf(step, content) {
  return join(build, `${step.name}-${content.slice(0, 16)}`);
}

/** @param {string} path relative to the root @returns {string[]} */
function filesUnder(path) {
  const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(join(root, path))
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .map((name) => join(path, name))
    .filter((each) => !steps.some(({ output }) => output === each))
    .sort()
    .flatMap((each) => filesUnder(each));
}

/** The change time moves even when the modification time is set back. @param {string[]} files */
function fingerprint(files) {
  const lines = files.map((file) => {
    const { size, mtimeMs, ctimeMs, ino } = lstatSync(join(root, file));
    return `${file} ${size} ${mtimeMs} ${ctimeMs} ${ino}`;
  });
  return hash(lines.join('\n'));
}

/** @param {string[]} files */
function contentHash(files) {
  const parts = files.map((file) => `${file} ${hash(readFileSync(join(root, file)))}`);
  // All steps, since one may build on what another made.
  return hash([JSON.stringify(steps), ...parts].join('\n'));
}

// ---- programs

/**
 * Quiet when it goes well; when it does not, the end of its output is the message and all of it stays in a file.
 * @param {string[]} command
 * @param {{ folder: string, log: string, hint: string, env?: Record<string, string> }} options
 */
async function runQuietly([program = '', ...args], { folder, log, hint, env = {} }) {
  const file = join(build, `${log}.log`);
  const fd = openSync(file, 'w');
  const { code, reason } = await start(program, args, {
    cwd: folder,
    env: { ...environment(), NO_COLOR: '1', ...env },
    stdio: ['ignore', fd, fd],
  });
  if (code === 0) return;
  const tail = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-OUTPUT_TAIL_LINES).join('\n');
  throw new Stop(`${tail}\n${hint} (${reason}; all of its output: ${relative(process.cwd(), file) || file})`);
}

/** The program proper, on the pinned Node, as if it had been called directly. @param {string[]} args */
async function handOver(args) {
  const setpriv =
    process.platform === 'linux' &&
    (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'setpriv')));
  // Should this process be killed outright, the program is asked to stop instead of living on unseen.
  const prefix = setpriv ? ['setpriv', '--pdeathsig', 'TERM', '--'] : [];
  const [program = '', ...rest] = [...prefix, pinnedNode, ...args];
  const { code, signal, reason } = await start(program, rest, { stdio: 'inherit', env: environment() });
  if (code === null && signal === null) throw new Stop(`cannot run ${pinnedNode}: ${reason}`);
  return { code, signal };
}

function environment() {
  return { ...process.env, PATH: [join(modules, '.bin'), process.env.PATH ?? ''].join(delimiter) };
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, reason: string }>}
 */
function start(program, args, options) {
  return new Promise((resolve) => {
    child = spawn(program, args, options);
    child.once('error', (error) => resolve({ code: null, signal: null, reason: error.message }));
    child.once('close', (code, signal) => resolve({ code, signal, reason: `ended with ${signal ?? code}` }));
  }).finally(() => {
    child = undefined;
  });
}

// ---- files

/** @param {string} path */
function moveAway(path) {
  if (!lstatSync(path, { throwIfNoEntry: false })) return;
  try {
    renameSync(path, join(build, `old-${randomUUID()}`));
  } catch (error) {
    // A folder from a lower layer of a container image cannot be renamed, only removed.
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    rmSync(path, { recursive: true });
  }
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} file @param {string} text */
function writeAtOnce(file, text) {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}

/** @param {string | Buffer} data */
function hash(data) {
  return createHash('sha256').update(data).digest('hex');
}

try {
  const { code, signal } = await main();
  if (signal) {
    // Ends the way the program did, so that whoever started us sees the same.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exitCode = code ?? 1;
  }
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  // A program of ours that was interrupted together with us has not failed.
  if (!interrupted) say(error.message);
  process.exitCode = interrupted ? 128 + constants.signals[interrupted] : 1;
}
