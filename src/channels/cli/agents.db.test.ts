import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { newAgent } from '../../../test/support/agents.ts';
import { newPartner, openTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { audit } from '../../reports/index.ts';
import { buildCli, type CliApp, runCli } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-agents-cli-'));
let platform: TestPlatform;

before(async () => {
  platform = await openTestPlatform();
});
after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

async function agents(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdin: process.stdin, stdout, stderr, env: { SAPAR_AS: 'alice' } };
  // Of all that commands may call, these need agents alone.
  const open = async () => ({ agents: platform.agents, close: async () => undefined }) as unknown as CliApp;
  const cli = { open, io, catalogue: () => platform.catalogue } as Parameters<typeof buildCli>[0];
  const code = await runCli(buildCli(cli), ['agents', ...words], io);
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

async function entries(name: string): Promise<{ actor: string; action: string; details: Record<string, string> }[]> {
  return platform.sql(
    'select actor, action, details from audit_entry where subject = $1 and action like $2 order by id',
    [`partner:${name}`, 'agent.%'],
  );
}

test('a partner becomes an agent, its settings are shown, changed, and in the audit trail with who changed them', async () => {
  const { name } = await newPartner(platform, { float: 0n });
  const made = await agents(
    'create',
    name,
    '--protocol',
    'osmp',
    '--from',
    '79.142.16.0/20',
    '--from',
    '91.232.230.0/23',
    '--zone',
    '+03:00',
  );
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /protocol +osmp\n/);
  assert.match(made.out, /networks +79\.142\.16\.0\/20 91\.232\.230\.0\/23\n/);
  assert.match(made.out, /zone +\+03:00\n/);
  assert.match(made.out, new RegExp(`address +/osmp/${name}\n`));
  const set = await agents(
    'set',
    name,
    '--sum-min',
    '200',
    '--accounts',
    'national,seven',
    '--field',
    'number=Абонент',
    '--echo-tag',
    'txn_id',
  );
  assert.equal(set.code, 0, set.err);
  assert.match(set.out, /accountForms +national seven\n/);
  assert.match(set.out, /sumMin +200\.00\n/);
  const list = await agents('list');
  assert.match(list.out, new RegExp(`${name} +osmp +active +address`));
  assert.deepEqual(await entries(name), [
    {
      actor: 'alice',
      action: 'agent.create',
      details: { protocol: 'osmp', zone: '+03:00', networks: '79.142.16.0/20 91.232.230.0/23' },
    },
    {
      actor: 'alice',
      action: 'agent.set',
      details: { sumMin: '200.00', fields: 'number=Абонент', echoTag: 'txn_id', accountForms: 'national seven' },
    },
  ]);
  assert.deepEqual(
    (await audit(platform.db)).filter(({ ok }) => !ok),
    [],
  );
});

test('a password is shown once, another follows it, and nothing but hashes is kept', async () => {
  const { name } = await newPartner(platform, { float: 0n });
  const made = await agents('create', name, '--protocol', 'kaspi', '--user', 'kaspi', '--password', '--json');
  const { password } = JSON.parse(made.out);
  assert.match(password, /^[A-Za-z0-9_-]{43}$/);
  const second = JSON.parse((await agents('password', name, '--json')).out).password;
  assert.notEqual(second, password);
  const shown = await agents('show', name);
  assert.match(shown.out, /told apart by +2 passwords\n/);
  assert.equal((await agents('password', name, '--end-old')).code, 0);
  assert.match((await agents('show', name)).out, /told apart by +password\n/);
  const [row] = await platform.sql<{ text: string }>(
    `select (select jsonb_agg(agent) from agent)::text || (select jsonb_agg(audit_entry) from audit_entry)::text as text`,
  );
  for (const secret of [password, second]) {
    assert.ok(!row?.text.includes(secret));
    assert.ok(!shown.out.includes(secret));
  }
});

test('an agent whom nobody could tell apart is refused, and stays as it was', async () => {
  const { name } = await newPartner(platform, { float: 0n });
  const open = await agents('create', name, '--protocol', 'osmp');
  assert.equal(open.code, 1);
  assert.match(open.err, /\[agent\.unguarded\]/);
  const agent = await newAgent(platform);
  assert.match((await agents('set', agent.name, '--from', 'none')).err, /\[agent\.unguarded\]/);
  assert.match((await agents('show', agent.name)).out, /networks +127\.0\.0\.0\/8\n/);
  const certified = await agents(
    'set',
    agent.name,
    '--from',
    'none',
    '--certificate',
    'AB:'.repeat(19).concat('CD'),
    '--certificate-header',
    'X-Client',
  );
  assert.match(certified.out, /told apart by +certificate\n/);
});

const mistakes: readonly (readonly [string, RegExp])[] = [
  ['create NAME --protocol cash', /It is one of osmp, kaspi/],
  ['set NAME --from kaspi.kz', /address or a network/],
  ['set NAME --from 0.0.0.0/0', /address or a network/],
  ['set NAME --accounts ten', /national, seven, eight, plus/],
  ['set NAME --field colour=red', /number, operator/],
  ['set NAME --sum-min 0', /\[request\.invalid\] \(field: sumMin\)/],
  ['set NAME --sum-max 1000000', /\[request\.invalid\] \(field: sumMax\)/],
  ['set NAME --bin 123', /\[request\.invalid\] \(field: bin\)/],
  ['set NAME --certificate xyz', /\[request\.invalid\] \(field: certificates\)/],
  ['set NAME --certificate-header x', /\[request\.invalid\] \(field: certificateHeader\)/],
  ['password NAME', /\[request\.invalid\] \(field: user\)/],
  ['show nobody', /\[agent\.not_found\]/],
  ['create nobody --protocol osmp --from 10.0.0.1', /\[partner\.not_found\]/],
  ['create NAME --protocol osmp --from 10.0.0.1', /\[agent\.exists\]/],
];
test('what makes no sense is refused with its name, and changes nothing', async () => {
  const agent = await newAgent(platform);
  const before = await platform.agents.find(agent.name);
  for (const [line, says] of mistakes) {
    const { code, err } = await agents(...line.replace('NAME', agent.name).split(' '));
    assert.notEqual(code, 0, line);
    assert.match(err, says);
  }
  assert.deepEqual(await platform.agents.find(agent.name), before);
});

test('the layout of its register is kept with an agent, and taken away again', async () => {
  const agent = await newAgent(platform);
  const layout = { columns: { external: 'Номер', date: 'Дата', amount: 'Сумма' } };
  const file = join(root, 'layout.json');
  writeFileSync(file, JSON.stringify(layout));
  assert.equal((await agents('set', agent.name, '--register', file)).code, 0);
  assert.deepEqual((await platform.agents.find(agent.name)).settings.register, layout);
  await agents('set', agent.name, '--register', 'none');
  assert.equal((await platform.agents.find(agent.name)).settings.register, undefined);
});

test('two who change one agent at once both have their way', async () => {
  const agent = await newAgent(platform);
  await Promise.all([
    platform.agents.set(agent.name, { sumMinorMin: 300_00n }, 'alice'),
    platform.agents.set(agent.name, { bin: '123456789012' }, 'bob'),
    platform.agents.set(agent.name, { language: 'kk' }, 'carol'),
  ]);
  const { settings } = await platform.agents.find(agent.name);
  assert.deepEqual([settings.sumMinorMin, settings.bin, settings.language], [300_00n, '123456789012', 'kk']);
});
