import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { refusals } from '../src/base/refusal.ts';

// The architecture as data. A rule that nothing checks is already broken.

const root = fileURLToPath(new URL('..', import.meta.url));

/** A folder imports only folders of a lower number; folders of one layer do not know each other. */
const layers: Record<string, number> = {
  base: 0,
  db: 1,
  wire: 1,
  i18n: 1,
  jobs: 2,
  ledger: 2,
  audit: 2,
  parties: 3,
  catalogue: 3,
  dialogues: 3,
  rates: 3,
  vouchers: 4,
  payments: 4,
  delivery: 4,
  notices: 4,
  gateways: 4,
  topups: 5,
  reports: 6,
  reconciliation: 6,
  documents: 6,
  channels: 7,
};

/** What channels may not touch, though it lies below them: they ask for verbs. */
const closedToChannels = new Set(['db', 'jobs', 'ledger']);

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const sources = tracked.filter((file) => /^src\/.*\.(ts|mjs)$/.test(file));
const isTest = (file: string): boolean => file.endsWith('.test.ts');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/^\s*(?:import|export)[^'"]*?from '(\.[^']+)'/gm)].map((match) =>
    relative(root, resolve(root, dirname(file), match[1] ?? '')),
  );
}

const folderOf = (file: string): string | undefined => /^src\/([^/]+)\//.exec(file)?.[1];

test('every import points down, and through the face of the folder', () => {
  const wrong: string[] = [];
  for (const file of sources.filter((name) => !isTest(name))) {
    const from = folderOf(file);
    if (from === undefined) continue;
    for (const target of importsOf(file)) {
      // Texts belong to nobody: any folder that speaks to people reads them.
      if (target.startsWith('messages/compiled/')) continue;
      const to = folderOf(target);
      if (to === undefined) wrong.push(`${file} imports ${target}: nothing in a folder knows the composition root`);
      if (to === undefined || to === from) continue;
      if ((layers[to] ?? 99) >= (layers[from] ?? -1)) wrong.push(`${file} imports ${to}, which is not below ${from}`);
      if (from === 'channels' && closedToChannels.has(to)) wrong.push(`${file} touches ${to}`);
      if (to !== 'base' && !target.endsWith('/index.ts')) wrong.push(`${file} reaches into ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every folder has a place in the layers, a face, and a line in ARCHITECTURE.md', () => {
  const architecture = read('docs/ARCHITECTURE.md');
  const folders = new Set(sources.map(folderOf).filter((folder) => folder !== undefined));
  for (const folder of folders) {
    assert.ok(folder in layers, `${folder} has no layer`);
    assert.match(architecture, new RegExp(`src/${folder}/`), `${folder} is not in docs/ARCHITECTURE.md`);
    if (!['base', 'wire', 'channels'].includes(folder))
      assert.ok(existsSync(join(root, 'src', folder, 'index.ts')), `${folder} has no index.ts`);
  }
});

const banned: { words: RegExp; reason: string; allowed: RegExp }[] = [
  { words: /\bparseFloat\b/, reason: 'money is bigint, never a float', allowed: /^$/ },
  { words: /\bDate\.now\b|\bMath\.random\b/, reason: 'time and chance are arguments', allowed: /^src\/(base|db)\// },
  { words: /\bTODO\b|\bFIXME\b/, reason: 'an unfinished thing is an issue', allowed: /^$/ },
  { words: /\bconsole\.log\b/, reason: 'programs log through the logger or write to stdout on purpose', allowed: /^$/ },
];

test('banned words stay out', () => {
  const found: string[] = [];
  for (const file of sources.filter((name) => !isTest(name))) {
    read(file)
      .split('\n')
      .forEach((line, index) => {
        for (const { words, reason, allowed } of banned)
          if (words.test(line) && !allowed.test(file)) found.push(`${file}:${index + 1}: ${reason}`);
      });
  }
  assert.deepEqual(found, []);
});

test('SQL is written in store files and in db alone', () => {
  const statement = /\b(select\s+[\w*(].*\bfrom\b|insert\s+into\s+\w+|update\s+\w+\s+set\b|delete\s+from\s+\w+)/i;
  const found = sources
    .filter((file) => !isTest(file) && !/(^|[/_])store\.ts$/.test(file) && !/^src\/(db|jobs|reports)\//.test(file))
    .filter((file) =>
      read(file)
        .split('\n')
        .some((line) => statement.test(line) && !/^\s*(\/\/|\*|\/\*\*)/.test(line)),
    );
  assert.deepEqual(found, []);
});

/** A ratchet: what is longer today is named here with its length, and may only shrink. */
const LINES_MAX = 400;
const longer: Record<string, number> = { 'src/db/embedded.ts': 443 };

test('files stay short enough to read in one sitting', () => {
  const long = sources
    .filter((file) => !isTest(file))
    .map((file) => ({ file, lines: read(file).split('\n').length }))
    .filter(({ file, lines }) => lines > (longer[file] ?? LINES_MAX));
  assert.deepEqual(long, []);
});

const languages = ['en', 'zh', 'ru', 'kk'] as const;
const messages = Object.fromEntries(
  languages.map((language) => [language, JSON.parse(read(`messages/${language}.json`))]),
);

test('every language has every text, with the same blanks to fill', () => {
  const blanks = (text: unknown): string[] => [...new Set(JSON.stringify(text).match(/\{\w+\}/g) ?? [])].sort();
  const keys = Object.keys(messages.en).sort();
  for (const language of languages) {
    assert.deepEqual(Object.keys(messages[language]).sort(), keys, `${language}.json has other keys than en.json`);
    for (const key of keys.filter((name) => !name.startsWith('$'))) {
      assert.deepEqual(
        blanks(messages[language][key]),
        blanks(messages.en[key]),
        `${language}.json: ${key} has other blanks`,
      );
      assert.notEqual(messages[language][key], '', `${language}.json: ${key} is empty`);
    }
  }
});

test('every refusal has a text', () => {
  const missing = Object.keys(refusals).filter((code) => !(`refusal_${code.replaceAll('.', '_')}` in messages.en));
  assert.deepEqual(missing, []);
});

test('the lock file agrees with package.json', () => {
  const lock = JSON.parse(read('package-lock.json'));
  const own = JSON.parse(read('package.json'));
  assert.deepEqual(lock.packages[''].dependencies, own.dependencies);
  assert.deepEqual(lock.packages[''].devDependencies, own.devDependencies);
  for (const version of Object.values({ ...own.dependencies, ...own.devDependencies }))
    assert.match(String(version), /^\d/, 'dependencies are pinned exactly');
});

test('the project speaks of itself alone', () => {
  const foreign = /\/work\/|\.library|registry\.npmjs|deb\.debian/;
  const found = tracked
    .filter(
      (file) => !/^(package-lock\.json|LICENSE|test\/tidy\.test\.ts)$/.test(file) && !/\.(png|svg|ico)$/.test(file),
    )
    .filter((file) => foreign.test(read(file)));
  assert.deepEqual(found, []);
});
