import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { pdfText } from '../../../test/support/pdf.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { createApprovals, verify } from '../../audit/index.ts';
import {
  createGatewayBoard,
  createGatewayReporter,
  type Gateway,
  type GatewayState,
  Traffic,
} from '../../gateways/index.ts';
import { createReconciliation } from '../../reconciliation/index.ts';
import { audit } from '../../reports/index.ts';
import { createDamagedCards, createStaffOrders } from '../../topups/index.ts';
import { createBatches } from '../../vouchers/index.ts';
import { buildCli, type CliApp, runCli } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-cli-test-'));
let platform: TestPlatform;
let app: CliApp;
let identity = '';
let recipient = '';
let opened = 0;

before(async () => {
  platform = await openTestPlatform();
  const { db, keyring, clock, partners, topups, subscribers, catalogue } = platform;
  const batches = createBatches({ db, keyring, clock });
  const approvals = createApprovals({ db, clock, actions: batches.actions });
  const damaged = createDamagedCards({ batches, approvals, subscribers, topups });
  app = {
    batches,
    approvals,
    damaged,
    partners,
    agents: platform.agents,
    topups,
    subscribers,
    catalogue,
    orders: createStaffOrders(platform.orders.context),
    routes: platform.orders.context.routes,
    reconciliation: createReconciliation({ db, clock, subscribers, agents: platform.agents }),
    gateways: createGatewayBoard({ db, clock }),
    sms: platform.sms,
    printDir: join(root, 'print'),
    audit: () => audit(db),
    verifyChain: () => verify(db),
    close: async () => undefined,
  };
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

type Ran = { code: number; out: string; err: string };

/** One command, as typed behind `sapar`. */
async function sapar(line: string, input = ''): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdin: Readable.from([input]) as unknown as NodeJS.ReadStream, stdout, stderr, env: {} };
  const open = async (): Promise<CliApp> => {
    opened += 1;
    return app;
  };
  const words = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", '')) ?? [];
  const code = await runCli(buildCli({ open, catalogue: () => platform.catalogue, io }), words, io);
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

async function done<T>(line: string, input = ''): Promise<T> {
  const { code, out, err } = await sapar(`${line} --json`, input);
  assert.equal(code, 0, `${line}: ${out}${err}`);
  return JSON.parse(out);
}

type Created = { batch: { id: string; firstSerial: string; lastSerial: string }; approval: string };
type Asked = { approval: string };

async function activeBatch(count: number): Promise<{ id: string; first: bigint; pins: string[]; printed: string }> {
  const draft = `--operator kcell --value 1000 --count ${count} --expires 2030-12-31 --recipient ${recipient}`;
  const { batch } = await done<Created>(`vouchers create ${draft} --note test --as alice`);
  await done(`vouchers approve ${batch.id} --as bob`);
  const { printFile } = await done<{ printFile: string }>(`vouchers generate ${batch.id} --as alice`);
  const { approval } = await done<Asked>(`vouchers activate --batch ${batch.id} --as alice`);
  await done(`approvals approve ${approval} --as bob`);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const printed = await decrypter.decrypt(readFileSync(printFile), 'text');
  const pins = [...printed.matchAll(/^\d+,([\d ]+),/gm)].map(([, pin = '']) => pin);
  return { id: batch.id, first: BigInt(batch.firstSerial), pins, printed };
}

test('help needs no database and ends well', async () => {
  const { code, out } = await sapar('vouchers --help');
  assert.equal(code, 0);
  for (const verb of ['create', 'approve', 'generate', 'activate', 'void', 'mark', 'redeem', 'unbar'])
    assert.match(out, new RegExp(verb));
  assert.equal(opened, 0);
});

test('what cannot be understood ends with 2 and touches nothing', async () => {
  for (const line of [
    'vouchers create --operator kcell',
    'vouchers generate twelve --as alice',
    'vouchers activate --as alice',
    'vouchers activate --first 5 --batch 1 --as alice',
    'vouchers show',
    'vouchers redeem --number 12 --as alice',
    'vouchers generate 1',
    "vouchers generate 1 --as 'Alice L'",
    'partners fund demo 1,5 --key a --as alice',
    'partners key demo --scope all --as alice',
    'nonsense',
  ]) {
    const { code, err } = await sapar(line);
    assert.equal(code, 2, line);
    assert.match(err, /error: /, line);
  }
});

test('a refusal ends with 1 and says why, in words and with its code', async () => {
  const { code, err } = await sapar('vouchers show 77');
  assert.equal(code, 1);
  assert.match(err, /There is no such batch\. .*\[batch\.not_found\]/);
  const asJson = await sapar('vouchers show 1000000000001 --json');
  assert.equal(asJson.code, 1);
  assert.equal(JSON.parse(asJson.out).refused, 'serial.not_found');
});

test('the life of a batch, from draft to a redeemed card, by commands alone', async () => {
  const { id, first, pins } = await activeBatch(5);
  await done(`vouchers mark printed ${id} --as alice`);
  await done(`vouchers mark distributed ${id} --as alice`);
  const number = newNumber();
  const redeemed = await done<{ status: string; balance: string }>(
    `vouchers redeem --number ${number} --as alice`,
    `${pins[0]}\n`,
  );
  assert.equal(redeemed.status, 'credited');
  assert.equal(redeemed.balance, '1000.00');
  const card = await sapar(`vouchers show ${first}`);
  assert.match(card.out, /state\s+redeemed/);
  assert.ok(!card.out.includes(number), 'a card names an opaque subscriber, not a number');
  const report = await sapar(`vouchers report ${id}`);
  assert.match(report.out, /active\s+4\s+4000\.00 KZT/);
  assert.match(report.out, /redeemed\s+1\s+1000\.00 KZT/);
  const list = await sapar('vouchers list');
  assert.match(list.out, new RegExp(`^${id} .*kcell.*distributed`, 'm'));
});

test('the code that a printed card shows is the one that redeems it', async () => {
  const { pins, printed } = await activeBatch(12);
  const out = join(root, 'cards.pdf');
  const made = await done<{ cards: number; sheets: number }>(
    `vouchers cards - --out ${out} --host sapar.example`,
    printed,
  );
  assert.deepEqual([made.cards, made.sheets], [12, 2]);
  const shown = pdfText(readFileSync(out)).replace(/\s+/g, ' ');
  const codes = [...shown.matchAll(/\b\d{4} \d{4} \d{4} \d{4}\b/g)].map(([code]) => code);
  assert.deepEqual(codes.toSorted(), pins.toSorted());
  const redeemed = await done<{ status: string }>(`vouchers redeem --number ${newNumber()} --as carol`, codes[0]);
  assert.equal(redeemed.status, 'credited');
});

test('nobody approves alone at the command line either', async () => {
  const draft = `--operator kcell --value 500 --count 1 --expires 2030-12-31 --recipient ${recipient}`;
  const { batch, approval } = await done<Created>(`vouchers create ${draft} --as alice`);
  const alone = await sapar(`vouchers approve ${batch.id} --as alice`);
  assert.equal(alone.code, 1);
  assert.match(alone.err, /approval\.same_person/);
  const waiting = await sapar('approvals list');
  assert.match(waiting.out, new RegExp(`^${approval} +voucher\\.create +alice +0 of 1 +waiting`, 'm'));
  assert.match((await sapar(`approvals show ${approval}`)).out, /operator\s+kcell/);
});

test('cards that were locked, stolen or made void are reported with what was skipped', async () => {
  const { id, first } = await activeBatch(10);
  const change = async (verb: string, last: bigint): Promise<string> => {
    const { approval } = await done<Asked>(`vouchers ${verb} --first ${first} --last ${last} --reason test --as alice`);
    return (await sapar(`approvals approve ${approval} --as bob`)).out;
  };
  assert.match(await change('lock', first + 1n), /cards changed\s+2/);
  assert.match(await change('void', first + 2n), /cards changed\s+3/);
  assert.match(await change('mark stolen', first + 4n), /void\s+3/);
  const report = await sapar(`vouchers report ${id}`);
  assert.match(report.out, /stolen\s+2/);
  assert.match(report.out, /void\s+3/);
  assert.match(report.out, /active\s+5/);
});

test('a card is credited by its serial after two others have typed the number again', async () => {
  const { first } = await activeBatch(1);
  const number = newNumber();
  const { approval } = await done<Asked>(
    `vouchers redeem-serial ${first} --number ${number} --reason 'panel torn' --as alice`,
  );
  assert.equal((await sapar(`approvals approve ${approval} --as bob`)).code, 2, 'the number is needed');
  assert.match((await sapar(`approvals approve ${approval} --number ${number} --as bob`)).out, /1 of 2/);
  assert.match((await sapar(`approvals approve ${approval} --number ${number} --as carol`)).out, /credited/);
});

test('bars are lifted by staff', async () => {
  const number = newNumber();
  for (let tries = 0; tries < 6; tries += 1)
    await sapar(`vouchers redeem --number ${number} --as alice`, `${'7'.repeat(15)}${tries}\n`);
  const barred = await sapar(`vouchers redeem --number ${number} --as alice`, `${'7'.repeat(16)}\n`);
  assert.match(barred.err, /voucher\.guess_barred/);
  await done(`vouchers unbar --number ${number} --as alice`);
  const again = await sapar(`vouchers redeem --number ${number} --as alice`, `${'7'.repeat(16)}\n`);
  assert.match(again.err, /voucher\.refused/);
});

test('a manifest is verified, with its print file, and a changed one is not ours', async () => {
  const { id } = await activeBatch(2);
  const manifest = join(app.printDir, `batch-${id}.manifest.json`);
  const printFile = join(app.printDir, `batch-${id}.csv.age`);
  assert.equal((await sapar(`vouchers verify ${manifest} ${printFile}`)).code, 0);
  appendFileSync(printFile, 'x');
  assert.equal((await sapar(`vouchers verify ${manifest} ${printFile}`)).code, 1);
});

test('partners are opened, funded once a reference, given keys, suspended and resumed', async () => {
  await done('partners create shop-1 --as alice');
  assert.equal((await done<{ moved: boolean }>('partners fund shop-1 1000 --key bank-1 --as alice')).moved, true);
  assert.equal((await done<{ moved: boolean }>('partners fund shop-1 1000 --key bank-1 --as alice')).moved, false);
  const { id, token } = await done<{ id: string; token: string }>(
    'partners key shop-1 --scope topups:write --as alice',
  );
  assert.equal((await app.partners.authenticate(token)).name, 'shop-1');
  await done('partners suspend shop-1 --as alice');
  await assert.rejects(async () => app.partners.authenticate(token));
  await done('partners resume shop-1 --as alice');
  await done(`partners revoke ${id} --as alice`);
  await assert.rejects(async () => app.partners.authenticate(token));
  assert.match((await sapar('partners list')).out, /^shop-1 +active +1000\.00 KZT/m);
});

test('links to networks are listed, left with a reason, and taken up again', async () => {
  assert.equal((await sapar('gateways')).out, 'none\n');
  assert.match((await sapar('gateways drain kcell-main --reason works --as alice')).err, /gateway.not_found/);
  let state: GatewayState = 'bound';
  const since = new Date('2026-11-25T02:00:00Z');
  const gateway: Gateway = {
    id: 'kcell-main',
    protocol: 'smpp',
    operator: platform.catalogue.parseOperator('kcell'),
    status: () => ({ state, since, lastError: undefined, dialogues: 2, waiting: 0 }),
    drain: () => {
      state = 'draining';
    },
    resume: () => undefined,
    close: async () => undefined,
  };
  const traffic = new Traffic(platform.clock);
  const reporter = createGatewayReporter(platform, { process: 'here:1', gateways: [gateway], traffic });
  await reporter.round();
  const { out } = await sapar('gateways');
  assert.match(out, /^kcell-main +smpp +kcell +bound +.* 2 +0 +0 +0 +here:1$/m);
  assert.equal((await sapar('gateways drain kcell-main --as alice')).code, 2, 'a reason is needed');
  await done("gateways drain kcell-main --reason 'works tonight' --as alice");
  await reporter.round();
  await reporter.round();
  assert.match((await sapar('gateways list')).out, /draining: works tonight/);
  const [listed] = await done<{ wish: string; state: string }[]>('gateways');
  assert.deepEqual([listed?.wish, listed?.state], ['drain', 'draining']);
  await reporter.close();
});

test('the books and the chain are checked, and a broken one ends with 1', async () => {
  assert.equal((await sapar('audit')).code, 0);
  assert.equal((await sapar('audit verify')).code, 0);
  const [entry] = await platform.sql<{ id: bigint }>('select max(id) as id from audit_entry');
  await platform.sql('insert into audit_seal (entry, hash) values ($1, $2)', [
    (entry?.id ?? 0n) + 5n,
    Buffer.alloc(32),
  ]);
  const broken = await sapar('audit verify');
  assert.equal(broken.code, 1);
  assert.match(broken.out, /sealed but missing/);
});
