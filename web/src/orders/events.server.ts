import { type Operator, openBody, type Visitor } from '../api.server.ts';
import { limits } from '../limits.ts';
import { eventsPath, readOrderEvent } from './api.server.ts';
import { showStatus } from './status.server.ts';

type Source = { readonly id: string; readonly operators: readonly Operator[]; readonly signal: AbortSignal };

/** The API's stream of an order with each event turned into what the page shows; undefined where there is no stream. */
export async function openEvents(
  { id, operators, signal }: Source,
  visitor: Visitor,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const body = await openBody({ path: eventsPath(id), accept: 'text/event-stream', signal }, visitor);
  const show = (data: string): string | undefined => {
    const order = readOrderEvent(data);
    return order && JSON.stringify(showStatus({ order, operators, language: visitor.language, now: new Date() }));
  };
  return body?.pipeThrough(translateEvents(show));
}

/**
 * Server-sent events (WHATWG HTML, 9.2.6) with the data of each put into other words; blocks without data, which keep the connection open,
 * go through as they are, and events that `translate` knows nothing about are left out.
 */
export function translateEvents(
  translate: (data: string) => string | undefined,
): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = '';
  return new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(`retry: ${limits.streamRetryMs}\n\n`)),
    transform(chunk, controller) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).replaceAll('\r\n', '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = [...block.matchAll(/^data: ?(.*)$/gm)].map(([, line = '']) => line).join('\n');
        const translated = data === '' ? undefined : translate(data);
        if (translated !== undefined) controller.enqueue(encoder.encode(`event: order\ndata: ${translated}\n\n`));
        else if (data === '') controller.enqueue(encoder.encode(`${block}\n\n`));
      }
    },
  });
}
