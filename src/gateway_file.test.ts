import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadCatalogue } from './catalogue/index.ts';
import { root } from './config.ts';
import { readGatewayFile } from './gateway_file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sapar-gateways-'));
const path = join(folder, 'gateways.yaml');
const catalogue = loadCatalogue(join(root, 'data', 'kz'));

after(() => rmSync(folder, { recursive: true }));

function read(text: string, { mode = 0o600, env = {} }: { mode?: number; env?: NodeJS.ProcessEnv } = {}) {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return readGatewayFile({ SAPAR_GATEWAYS: path, ...env }, catalogue);
}

const hlr = 'id: hlr, operator: kcell, host: 127.0.0.1, port: 4222, control: { host: 127.0.0.1, port: 4259 }';
const hubtel = 'id: hubtel-kcell, operator: kcell, protocol: hubtel';
const secret = 'an-aggregators-secret-0123456789';

test('a file with a row of each kind is read', () => {
  const { rows } = read(`
gsup:
  - { ${hlr}, name: EUSE-topup, codes: ['*111#'] }
http:
  - { ${hubtel}, secrets: [${secret}], fields: { number: Phone } }
`);
  assert.deepEqual(
    [rows.gsup?.map(({ name }) => name), rows.http?.map(({ protocol }) => protocol)],
    [['EUSE-topup'], ['hubtel']],
  );
});

const nonsense: { name: string; text: string; says: RegExp; mode?: number }[] = [
  {
    name: 'an HLR without codes',
    text: `gsup:\n  - { ${hlr}, name: EUSE-topup }`,
    says: /gateways\.yaml:2: gsup\[0\] has no codes/,
  },
  {
    name: 'a name that no HLR takes for an external USSD entity',
    text: `gsup:\n  - { ${hlr}, codes: ['*111#'],\n      name: topup }`,
    says: /gateways\.yaml:3: gsup\[0\]\.name must look like/,
  },
  {
    name: 'a protocol nobody speaks',
    text: `http:\n  - { id: a, operator: kcell, secrets: [${secret}], protocol: smoke }`,
    says: /http\[0\]\.protocol must be one of hubtel, nalo/,
  },
  {
    name: 'two gateways at one address',
    text: `http:\n  - { ${hubtel}, secrets: [${secret}] }\n  - { id: b, operator: kcell, protocol: hubtel, secrets: [${secret}] }`,
    says: /gateways\.yaml:3: http\[1\]\.protocol is hubtel for kcell, as that of another gateway/,
  },
  {
    name: 'a secret that can be guessed',
    text: `http:\n  - { ${hubtel}, secrets: [letmein] }`,
    says: /http\[0\]\.secrets are not of 24 to 128/,
  },
  {
    name: 'messages that name no code, and a row that names none either',
    text: `http:\n  - { id: n, operator: kcell, protocol: nalo, secrets: [${secret}] }`,
    says: /http\[0\]\.protocol is nalo, whose messages name no code/,
  },
  {
    name: 'a reply that has no such field',
    text: `http:\n  - { ${hubtel}, secrets: [${secret}], reply: { Massage: Text } }`,
    says: /http\[0\]\.reply has Massage, which no reply of hubtel has/,
  },
  {
    name: 'a secret in a file that others can read',
    text: `http:\n  - { ${hubtel}, secrets: [${secret}] }`,
    mode: 0o644,
    says: /holds a password, so nobody but its owner may read it/,
  },
  {
    name: 'a secret that the environment does not have',
    text: `http:\n  - { ${hubtel}, secrets: ['env:HUBTEL_SECRET'] }`,
    says: /HUBTEL_SECRET is missing, although .* names it/,
  },
];

for (const { name, text, says, mode } of nonsense) {
  test(`${name}: refused, with the place and without the secret`, () => {
    assert.throws(
      () => read(text, mode === undefined ? {} : { mode }),
      (error: Error) => {
        assert.match(error.message, says);
        assert.ok(!error.message.includes(secret) && !error.message.includes('letmein'), error.message);
        return true;
      },
    );
  });
}

test('a secret from the environment needs no file that others cannot read', () => {
  const text = `http:\n  - { ${hubtel}, secrets: ['env:HUBTEL_SECRET'] }`;
  const { beside } = read(text, { mode: 0o644, env: { HUBTEL_SECRET: secret } });
  assert.equal(beside.secret('env:HUBTEL_SECRET').reveal(), secret);
});
