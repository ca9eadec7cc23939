import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { pdfText } from '../../test/support/pdf.ts';
import { paymentReceipt, refundReceipt } from '../../test/support/receipts.ts';
import { Refusal } from '../base/refusal.ts';
import { languages } from '../i18n/index.ts';
import { createDocuments } from './index.ts';
import { drawReceipt } from './receipt_page.ts';

const documents = createDocuments();
after(() => documents.close());

const isBusy = (error: unknown): boolean => error instanceof Refusal && error.code === 'system.busy';

test('a receipt from the worker is the one that is drawn here, to the byte', async () => {
  const data = paymentReceipt('kk');
  assert.deepEqual(await documents.renderReceipt(data), await drawReceipt(data));
});

test('who asks at the same time gets each their own', async () => {
  const asked = languages.flatMap((language) => [paymentReceipt(language), refundReceipt(language)]);
  const files = await Promise.all(asked.map((data) => documents.renderReceipt(data)));
  for (const [at, data] of asked.entries()) {
    const text = pdfText(files[at] ?? Buffer.alloc(0));
    assert.ok(text.includes(data.reference));
    assert.equal(text.includes('-R2'), data.kind === 'refund');
  }
});

test('a document that cannot be made says why, and the next one is made by the same worker', async () => {
  const exits: Error[] = [];
  const own = createDocuments({ onExit: (why) => exits.push(why) });
  await assert.rejects(own.renderReceipt(paymentReceipt('en', { marginMinor: 0n })), /is worth what it was paid for/);
  assert.ok((await own.renderReceipt(paymentReceipt('en'))).length > 0);
  assert.deepEqual(exits, []);
  await own.close();
});

test('a worker that dies over a document refuses that one, and the next one gets a new worker', async () => {
  const exits: string[] = [];
  const own = createDocuments({ megabytesMax: 96, onExit: (why) => exits.push(why.message) });
  await own.renderReceipt(paymentReceipt('zh'));
  // More than the worker may hold: it is killed in the middle of it.
  const name = 'a中'.repeat(1_500_000);
  const dying = own.renderReceipt(paymentReceipt('en', { seller: { name, contact: [] } }));
  const waiting = own.renderReceipt(paymentReceipt('ru'));
  await assert.rejects(dying, isBusy);
  assert.match(pdfText(await waiting), /Квитанция/);
  assert.equal(exits.length, 1);
  assert.match(exits[0] ?? '', /memory/);
  await own.close();
});

test('a document that takes too long is given up, and the ones behind it have their turn', async () => {
  const exits: string[] = [];
  const own = createDocuments({ timeoutMs: 5_000, onExit: (why) => exits.push(why.message) });
  await own.renderReceipt(paymentReceipt('en'));
  const contact = Array.from({ length: 300_000 }, (_, no) => `line ${no}`);
  const endless = own.renderReceipt(paymentReceipt('en', { seller: { name: 'Sapar', contact } }));
  const next = own.renderReceipt(refundReceipt('zh'));
  await assert.rejects(endless, isBusy);
  assert.match(pdfText(await next), /退款单/);
  assert.deepEqual(exits, ['a document took too long']);
  await own.close();
});

test('no more wait than the queue holds, and closing refuses who waits', async () => {
  const own = createDocuments({ queueMax: 2 });
  const taken = [1, 2, 3].map(() => own.renderReceipt(paymentReceipt('en')));
  const settled = Promise.allSettled(taken);
  await assert.rejects(own.renderReceipt(paymentReceipt('en')), isBusy);
  await own.close();
  for (const one of await settled) assert.ok(one.status === 'rejected' && isBusy(one.reason));
  await assert.rejects(own.renderReceipt(paymentReceipt('en')), isBusy);
});

test('a worker with nothing to do keeps no process alive', () => {
  const program = `
    import { createDocuments } from '${new URL('./index.ts', import.meta.url).href}';
    import { paymentReceipt } from '${new URL('../../test/support/receipts.ts', import.meta.url).href}';
    const file = await createDocuments().renderReceipt(paymentReceipt('zh'));
    process.stdout.write(file.subarray(0, 5));`;
  const ended = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    timeout: 60_000,
    encoding: 'utf8',
  });
  assert.equal(ended.stdout, '%PDF-', ended.stderr);
  assert.equal(ended.status, 0);
});

const MEGABYTE = 1024 * 1024;

test('a thousand receipts in a row leave nothing behind', async () => {
  const memory = (): number => process.memoryUsage().rss / MEGABYTE;
  const draw = async (count: number): Promise<void> => {
    for (let no = 0; no < count; no += 1)
      await documents.renderReceipt(no % 2 === 0 ? paymentReceipt('zh') : refundReceipt('kk'));
  };
  await draw(400);
  const before = memory();
  await draw(600);
  assert.ok(memory() - before < 60, `${before} MB after 400, ${memory()} MB after 1000`);
});
