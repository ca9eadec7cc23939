import { connect, createServer, type Socket } from 'node:net';
import { present } from '../../src/base/assert.ts';

/** A stretch of network in front of something real, which breaks when asked to. */
export type Path = {
  readonly port: number;
  /** Every connection breaks; new ones can be made. */
  cut(): void;
  /** Connections stay open and carry nothing, as behind a firewall that has lost its state; new ones likewise. */
  freeze(): void;
  /** New connections carry again. */
  thaw(): void;
  close(): Promise<void>;
};

export async function startPath(to: { readonly host: string; readonly port: number }): Promise<Path> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isFrozen = false;
  const server = createServer((near) => {
    const far = connect(to);
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = (): void => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (octets) => {
        if (!isFrozen) into.write(octets);
      });
      from.on('error', end).on('close', end);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = present(server.address(), 'a listening server has an address');
  const cut = (): void => {
    for (const [near, far] of [...pairs]) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    port: typeof address === 'string' ? 0 : address.port,
    cut,
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
    },
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
