import { parentPort } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import type { ReceiptData } from './receipt.ts';
import { drawReceipt } from './receipt_page.ts';

// Runs in a thread of its own: setting type blocks whoever does it, and the thread that answers requests has no time for that.

/** What goes back: the file, or why there is none. */
export type Reply = { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly error: string };

const port = present(parentPort, 'documents are drawn in a worker thread');

port.on('message', (data: ReceiptData) => {
  drawReceipt(data).then(
    (file) => {
      // A copy with memory of its own: it changes hands, and a Buffer may share its memory with others.
      const bytes = new Uint8Array(file);
      port.postMessage({ bytes } satisfies Reply, [bytes.buffer]);
    },
    (error: unknown) =>
      port.postMessage({ error: error instanceof Error ? error.message : String(error) } satisfies Reply),
  );
});
