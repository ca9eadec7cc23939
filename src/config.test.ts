import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

const secret = 'abcdefghijklmnopqrstuvwxyz';

for (const [name, value] of [
  ['PORT', 'eighty'],
  ['PORT', '70000'],
  ['DATABASE_URL', 'mysql://x'],
  ['SAPAR_LANES', '0'],
  ['SAPAR_LANES', '2.5'],
  ['SAPAR_DEMO_DATA', 'yes'],
  ['LOG_LEVEL', 'loud'],
  ['SAPAR_USSD_LANGUAGE', 'fr'],
  ['SAPAR_USSD_SECRETS', secret],
  ['SAPAR_USSD_SECRETS', 'kcell='],
  ['SAPAR_USSD_SECRETS', 'kcell=short'],
  ['SAPAR_USSD_SECRETS', `=${secret}`],
  ['SAPAR_USSD_SECRETS', `kcell=${secret}|`],
  ['SAPAR_USSD_SECRETS', `kcell=${secret}/+`],
  ['SAPAR_USSD_SECRETS', `kcell=${secret}==`],
  ['SAPAR_USSD_SECRETS', `kcell=${secret.repeat(10)}`],
] as const)
  test(`${name}=${value.slice(0, 40)} stops the start with the variable's name`, () => {
    assert.throws(() => readConfig({ [name]: value }), { message: new RegExp(`^${name} must `) });
  });

test('a secret may have a follower, and an operator each its own', () => {
  const { ussdSecrets } = readConfig({ SAPAR_USSD_SECRETS: `kcell=${secret}|${secret}-2,tele2=${secret}~_.` });
  const revealed = [...ussdSecrets].map(([operator, secrets]) => [operator, secrets.map((one) => one.reveal())]);
  assert.deepEqual(revealed, [
    ['kcell', [secret, `${secret}-2`]],
    ['tele2', [`${secret}~_.`]],
  ]);
});

test('demo data comes with the embedded database alone, unless it is asked for', () => {
  assert.equal(readConfig({}).demo, true);
  const url = { DATABASE_URL: 'postgres://localhost/x' };
  assert.equal(readConfig(url).demo, false);
  assert.equal(readConfig({ ...url, SAPAR_DEMO_DATA: 'on' }).demo, true);
  assert.equal(readConfig(url, { demo: true }).demo, true);
  assert.equal(readConfig({}, { demo: false }).demo, false);
});

test('an address with a password in it is not printed', () => {
  const config = readConfig({ DATABASE_URL: 'postgres://me:hush@localhost/x' });
  assert.doesNotMatch(JSON.stringify({ ...config, env: {} }), /hush/);
});
