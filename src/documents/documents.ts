import { Worker } from 'node:worker_threads';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import type { ReceiptData } from './receipt.ts';
import type { Reply } from './worker.ts';

export type Documents = {
  /**
   * The PDF of a receipt or refund document; the same data give the same bytes. Refuses `system.busy` when too many wait, or when the worker
   * died or took too long over it: nothing is lost by asking again.
   */
  renderReceipt(data: ReceiptData): Promise<Buffer>;
  /** Ends the worker; whoever still waits is refused. */
  close(): Promise<void>;
};

export type DocumentsOptions = {
  readonly timeoutMs?: number;
  readonly queueMax?: number;
  readonly megabytesMax?: number;
  /** The worker died or was given up; the next document starts another one. */
  readonly onExit?: (why: Error) => void;
};

type Job = {
  readonly data: ReceiptData;
  readonly resolve: (file: Buffer) => void;
  readonly reject: (error: Error) => void;
};

/** One worker, started by the first document and used by all; one document at a time, the others wait their turn. */
export function createDocuments(options: DocumentsOptions = {}): Documents {
  const { timeoutMs = limits.documentMs, queueMax = limits.documentQueueMax, onExit = () => undefined } = options;
  const { megabytesMax = limits.documentWorkerMegabytesMax } = options;
  const waiting: Job[] = [];
  let worker: Worker | undefined;
  let current: Job | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const settle = (end: (job: Job) => void): void => {
    const job = current;
    current = undefined;
    clearTimeout(timer);
    // A worker with nothing to do keeps no process alive.
    worker?.unref();
    if (job) end(job);
    next();
  };

  /** Whatever became of it, its document is asked for again by whoever wants it, and the next one gets a new worker. */
  const giveUp = (failed: Worker, why: Error): void => {
    if (worker !== failed) return;
    worker = undefined;
    failed.terminate().catch(() => undefined);
    if (!isClosed) onExit(why);
    settle((job) => job.reject(new Refusal('system.busy')));
  };

  const start = (): Worker => {
    const started = new Worker(new URL('./worker.ts', import.meta.url), {
      name: 'documents',
      resourceLimits: { maxOldGenerationSizeMb: megabytesMax },
      // Flags of this process, such as a program given on its command line, are not the worker's.
      execArgv: [],
    });
    started.on('message', (reply: Reply) => {
      if (worker !== started) return;
      if ('error' in reply) settle((job) => job.reject(new Error(reply.error)));
      else
        settle((job) => job.resolve(Buffer.from(reply.bytes.buffer, reply.bytes.byteOffset, reply.bytes.byteLength)));
    });
    started.on('error', (error) => giveUp(started, error));
    started.on('exit', (code) => giveUp(started, new Error(`the worker for documents ended with ${code}`)));
    return started;
  };

  function next(): void {
    if (current !== undefined || isClosed) return;
    current = waiting.shift();
    if (current === undefined) return;
    worker ??= start();
    worker.ref();
    worker.postMessage(current.data);
    const busy = worker;
    timer = setTimeout(() => giveUp(busy, new Error('a document took too long')), timeoutMs);
  }

  return {
    renderReceipt(data) {
      if (isClosed || waiting.length >= queueMax) return Promise.reject(new Refusal('system.busy'));
      return new Promise((resolve, reject) => {
        waiting.push({ data, resolve, reject });
        next();
      });
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      for (const job of [current, ...waiting.splice(0)]) job?.reject(new Refusal('system.busy'));
      current = undefined;
      const last = worker;
      worker = undefined;
      await last?.terminate();
    },
  };
}
