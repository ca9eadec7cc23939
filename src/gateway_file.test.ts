import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadCatalogue } from './catalogue/index.ts';
import { root } from './config.ts';
import { readGatewayFile } from './gateway_file.ts';

const dir = mkdtempSync(join(tmpdir(), 'sapar-gateways-'));
after(() => rmSync(dir, { recursive: true }));
const catalogue = loadCatalogue(join(root, 'data', 'kz'));
const path = join(dir, 'gateways.yaml');

function read(yaml: string, { mode = 0o600, env = {} }: { mode?: number; env?: Record<string, string> } = {}) {
  writeFileSync(path, yaml);
  chmodSync(path, mode);
  return readGatewayFile({ SAPAR_GATEWAYS: path, ...env }, catalogue);
}

const row =
  "{ id: main, operator: kcell, host: 127.0.0.1, port: 2775, systemId: sapar, password: 'env:PASSWORD', codes: ['*111#'] }";
const env = { PASSWORD: 'secret' };

test('a whole row is read, and its password from the environment', () => {
  const { rows, beside } = read(`smpp:\n  - ${row}\n`, { env, mode: 0o644 });
  const [smpp] = rows.smpp ?? [];
  assert.equal(smpp?.port, 2775);
  assert.equal(beside.secret(smpp?.password ?? '').reveal(), 'secret');
});

test('no file is no gateways, and an empty one too', () => {
  assert.deepEqual(readGatewayFile({}, catalogue).rows, {});
  assert.deepEqual(read('').rows, {});
});

for (const [what, yaml, message] of [
  ['an unknown section', 'smsc: []', /smsc is not known here/],
  ['an unknown field', `smpp: [${row.replace('codes', 'code')}]`, /smpp\[0\]\.code is not known here|smpp\[0\] /],
  ['a port that is none', `smpp: [${row.replace('2775', '70000')}]`, /gateways\.yaml:1: smpp\[0\]\.port must be/],
  ['a missing field', 'smpp:\n  - { id: main }', /gateways\.yaml:2: smpp\[0\] has no operator/],
  ['an operator nobody knows', `smpp: [${row.replace('kcell', 'nobody')}]`, /smpp\[0\]\.operator is no operator/],
  ['one id for two', `smpp:\n  - ${row}\n  - ${row}`, /:3: smpp\[1\]\.id is main, as that of another gateway/],
  ['USSD without codes', `smpp: [${row.replace(", codes: ['*111#']", '')}]`, /smpp\[0\]\.use has ussd, so codes/],
  ['a code that is none', `smpp: [${row.replace('*111#', '111')}]`, /smpp\[0\]\.codes\[0\] must look like/],
  ['text messages without a sender', `smpp: [${row.replace('codes', 'use: [sms], codes')}]`, /so a sender is needed/],
  ['a dialect nobody speaks', `smpp: [${row.replace('codes', 'dialect: odd, codes')}]`, /must be one of default, tata/],
  ['what is no YAML', 'smpp: [', /gateways\.yaml: /],
] as const)
  test(`${what} is refused with its place`, () => {
    assert.throws(() => read(yaml, { env }), message);
  });

test('a password in the file is for the eyes of its owner alone', () => {
  const inline = `smpp: [${row.replace("'env:PASSWORD'", 'secret')}]`;
  assert.throws(() => read(inline, { mode: 0o640 }), /nobody but its owner may read it: chmod 600/);
  assert.equal(read(inline).rows.smpp?.length, 1);
});

test('a password that is missing or too long is named, and not shown', () => {
  assert.throws(() => read(`smpp: [${row}]`), /^Error: PASSWORD is missing, although .* names it$/);
  assert.throws(
    () => read(`smpp: [${row}]`, { env: { PASSWORD: 'longer-than-eight' } }),
    (error: Error) => {
      assert.match(error.message, /smpp\[0\]\.password is longer than the 8 octets/);
      assert.doesNotMatch(error.message, /longer-than-eight/);
      return true;
    },
  );
});

test('a file that is not there is named', () => {
  assert.throws(() => readGatewayFile({ SAPAR_GATEWAYS: '/nowhere/x.yaml' }, catalogue), /x\.yaml, .* \(ENOENT\)/);
});
