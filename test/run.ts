import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The one test command: own set-up, then types, lint, dead code, the site's types and every test, and a closing line with the counts.

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

/** Debian packages the tests use, each with the program that shows it is there. */
const packages: Record<string, string> = {
  chromium: 'chromium',
  'fonts-noto-cjk': '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc',
  age: 'age',
  'poppler-utils': 'pdftotext',
  'osmo-hlr': 'osmo-hlr',
  'libnet-smpp-perl': '/usr/share/perl5/Net/SMPP.pm',
  tshark: 'tshark',
  'libxml2-utils': 'xmllint',
};

const checks: { name: string; command: string[] }[] = [
  {
    name: 'the lock file installs',
    command: ['npm', 'ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund'],
  },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'types of the browser tests', command: [bin('tsc'), '--noEmit', '-p', 'test/browser'] },
  { name: 'lint and format', command: [bin('biome'), 'check', '.'] },
  { name: 'types of the site', command: [bin('svelte-check'), '--workspace', 'web', '--fail-on-warnings'] },
  { name: 'nothing unused', command: [bin('knip')] },
];

const suites = [
  'src/**/*.test.ts',
  'web/src/**/*.test.ts',
  'simulators/**/*.test.ts',
  'test/*.test.ts',
  'test/{browser,chaos,crashes,door,fuzz,laws,notices,peers}/*.test.ts',
];

/** What measures time, or kills under load, has the machine to itself: one file after the other, when all the rest is done. */
const alone = /^test\/(chaos|crashes|notices|peers)\/|^test\/browser\/lighthouse|^test\/door\/start/;

function has(program: string): boolean {
  if (program.startsWith('/')) return spawnSync('test', ['-e', program]).status === 0;
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

function setUp(): void {
  const missing = Object.keys(packages).filter((name) => !has(packages[name] ?? name));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    process.stderr.write(
      `The tests need these Debian packages: ${missing.join(' ')}\nInstall them (sudo apt-get install ${missing.join(' ')}) and run npm test again.\n`,
    );
    process.exit(2);
  }
  process.stderr.write(`Installing ${missing.join(' ')} …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const installed = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (installed.status !== 0) process.exit(2);
}

function runCheck({ name, command }: { name: string; command: string[] }): boolean {
  const [program = '', ...rest] = command;
  const startedAt = performance.now();
  const result = spawnSync(program, rest, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${result.status === 0 ? '✔' : '✖'} ${name} (${seconds} s)\n`);
  if (result.status !== 0) process.stdout.write(`${result.stdout}${result.stderr}\n`);
  return result.status === 0;
}

type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** Runs the test files, showing them as they go; answers the counts of node's own summary. */
async function runTests(files: string[], concurrency: number): Promise<Counts> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const folder = mkdtempSync(join(tmpdir(), 'sapar-test-'));
  const tap = join(folder, 'results.tap');
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tap}`,
  ];
  const child = spawn(process.execPath, ['--test', `--test-concurrency=${concurrency}`, ...reporters, ...files], {
    cwd: root,
    stdio: 'inherit',
  });
  await new Promise((resolve) => child.on('exit', resolve));
  const text = readFileSync(tap, 'utf8');
  const count = (word: string): number => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  rmSync(folder, { recursive: true, force: true });
  return { passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') };
}

const onlyChecks = process.argv.includes('--check');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
if (!onlyChecks) setUp();
const results = wanted.length > 0 ? [] : checks.map(runCheck);
const files = wanted.length > 0 ? wanted : suites.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
const none: Counts = { passed: 0, failed: 0, skipped: 0 };
const together = onlyChecks
  ? none
  : await runTests(
      files.filter((file) => !alone.test(file)),
      cpus().length,
    );
const byThemselves = onlyChecks
  ? none
  : await runTests(
      files.filter((file) => alone.test(file)),
      1,
    );
const tests = {
  passed: together.passed + byThemselves.passed,
  failed: together.failed + byThemselves.failed,
  skipped: together.skipped + byThemselves.skipped,
};
const passed = tests.passed + results.filter(Boolean).length;
const failed = tests.failed + results.filter((ok) => !ok).length + (!onlyChecks && tests.passed === 0 ? 1 : 0);
process.stdout.write(`\n${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ''}\n`);
process.exit(failed === 0 ? 0 : 1);
