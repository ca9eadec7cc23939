import assert from 'node:assert/strict';
import { test } from 'node:test';
import { translateEvents } from './events.server.ts';

async function translated(chunks: readonly string[]): Promise<string> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  const upper = translateEvents((data) => (data === 'skip' ? undefined : data.toUpperCase()));
  const text = await new Response(source.pipeThrough(upper)).text();
  return text.replace(/^retry: \d+\n\n/, '');
}

test('each event carries its data in other words', async () => {
  assert.equal(await translated(['event: order\ndata: paid\n\n']), 'event: order\ndata: PAID\n\n');
});

test('events may be cut anywhere, end in CRLF and come several at a time', async () => {
  const chunks = ['event: or', 'der\r\nda', 'ta: a\r\n\r', '\ndata: b\n', '\ndata: c\n\n'];
  assert.equal(await translated(chunks), ['A', 'B', 'C'].map((data) => `event: order\ndata: ${data}\n\n`).join(''));
});

test('comments that keep the line open go through, unknown events do not', async () => {
  assert.equal(await translated([': still here\n\ndata: skip\n\n']), ': still here\n\n');
});
