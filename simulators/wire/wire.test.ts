import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFaults, readFaults } from './faults.ts';
import { formAt, listOf, parseForm, textAt } from './form.ts';
import { openJournal } from './journal.ts';
import { html } from './page.ts';
import { json, startServer } from './server.ts';
import { type Owed, WebhookSender } from './webhooks.ts';

test('a form nests by its brackets, and no key reaches a prototype', () => {
  const form = parseForm(
    'mode=payment&items[0][price][currency]=kzt&items[1][quantity]=2&expand[]=a&expand[]=b&a[__proto__][x]=1',
  );
  assert.equal(textAt(form, 'mode'), 'payment');
  assert.equal(textAt(form, 'items', '0', 'price', 'currency'), 'kzt');
  assert.equal(listOf(formAt(form, 'items')).length, 2);
  assert.deepEqual(listOf(formAt(form, 'expand')), ['a', 'b']);
  assert.equal(textAt(form, 'constructor'), undefined);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

test('what is filled into a page is escaped', () => {
  const piece = html`<b>${'<script>'}</b>`;
  assert.equal(html`<p title="${'"&\''}">${piece}</p>`.text, '<p title="&quot;&amp;&#39;"><b>&lt;script&gt;</b></p>');
});

test('a journal gives back what it was told, and leaves out a line that was cut off', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sapar-journal-'));
  const path = join(folder, 'state.jsonl');
  const first = openJournal(path).shelf<{ n: number }>('thing');
  first.put('a', { n: 1 });
  first.put('b', { n: 2 });
  first.put('a', { n: 3 });
  first.remove('b');
  appendFileSync(path, '{"kind":"thing","id":"c","val');
  for (const _ of [1, 2]) {
    const again = openJournal(path).shelf<{ n: number }>('thing');
    assert.deepEqual(again.values(), [{ n: 3 }]);
  }
  rmSync(folder, { recursive: true });
});

test('a server matches paths, refuses a body without end and meets the faults it was asked for', async () => {
  let worked = 0;
  const faults = createFaults();
  const server = await startServer({
    faults,
    routes: {
      'POST /things/:id': ({ params }) => {
        worked += 1;
        return json(200, params);
      },
    },
  });
  const post = (body = ''): Promise<Response> => fetch(`${server.url}/things/a%20b`, { method: 'POST', body });
  assert.deepEqual(await (await post()).json(), { id: 'a b' });
  assert.equal((await fetch(`${server.url}/things`)).status, 404);
  assert.equal((await post('x'.repeat(2_000_000)).catch(() => ({ status: 413 }))).status, 413);
  worked = 0;
  faults.set(readFaults([{ kind: 'drop' }, { kind: 'lose', at: 'POST /things' }, { kind: 'status', status: 500 }]));
  await assert.rejects(post());
  assert.equal(worked, 0, 'dropped before the work');
  await assert.rejects(post());
  assert.equal(worked, 1, 'the work was done, the answer lost');
  assert.equal((await post()).status, 500);
  assert.equal((await post()).status, 200);
  await server.close();
});

test('webhooks are repeated until accepted, doubled, turned round and lost as asked, and owed ones survive a restart', async () => {
  const heard: string[] = [];
  let refuse = 0;
  const receiver = await startServer({
    routes: {
      'POST /hook': ({ body, headers }) => {
        heard.push(`${body.toString()} ${headers['x-forged']}`);
        refuse -= 1;
        return { status: refuse >= 0 ? 500 : 204 };
      },
    },
  });
  const shelf = openJournal().shelf<Owed>('owed');
  const settings = {
    shelf,
    sign: (_: unknown, { forged }: { forged: boolean }) => ({ 'x-forged': String(forged) }),
    retriesMs: [20, 20],
  };
  const sender = new WebhookSender(settings);
  const send = (...ids: string[]): void => {
    for (const id of ids) sender.send({ id, to: `${receiver.url}/hook`, body: id });
  };
  const heardNow = (): string[] => heard.splice(0);
  const until = async (count: number): Promise<void> => {
    while (heard.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  refuse = 2;
  send('a');
  await until(3);
  assert.deepEqual(heardNow(), ['a false', 'a false', 'a false']);
  sender.misbehave({ duplicate: 1, wrongSignature: true });
  send('b');
  await sender.quiet();
  assert.deepEqual(heardNow(), ['b true', 'b true']);
  sender.misbehave({ reorder: true });
  send('c', 'd', 'e');
  await sender.quiet();
  assert.deepEqual(heardNow(), ['e false', 'd false', 'c false']);
  sender.misbehave({ lose: 0.5 });
  send('f', 'g', 'h', 'i');
  await sender.quiet();
  assert.deepEqual(heardNow().sort(), ['f false', 'h false']);
  sender.misbehave({ delayMs: 60_000 });
  send('j');
  sender.close();
  assert.equal(shelf.values().length, 1);
  const next = new WebhookSender(settings);
  await next.quiet();
  assert.deepEqual(heardNow(), ['j false']);
  next.close();
  await receiver.close();
});
