import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What passes on the loopback interface, for Wireshark's dissectors to judge. */
export type Capture = {
  /** Why nothing could be captured: only root may listen. */
  readonly refused: string | undefined;
  /** Ends the recording; the file stays until `close`. */
  stop(): Promise<void>;
  /** What tshark says of it, with the arguments that follow `tshark -r file`. */
  dissect(args: readonly string[]): Promise<string>;
  close(): void;
};

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** `filter` in the language of pcap; whole packets, or a dissector takes a cut one for a malformed one. */
export async function startCapture(filter: string): Promise<Capture> {
  const folder = mkdtempSync(join(tmpdir(), 'sapar-capture-'));
  const file = join(folder, 'packets.pcapng');
  const child = spawn('dumpcap', ['-q', '-i', 'lo', '-f', filter, '-w', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const refused = await new Promise<string | undefined>((resolve) => {
    let said = '';
    child.stderr.on('data', (octets) => {
      said += octets;
      // It names its file when it has begun.
      if (said.includes('File: ')) resolve(undefined);
    });
    child.once('exit', () => resolve(said.trim()));
    child.once('error', (error) => resolve(error.message));
  });
  return {
    refused,
    async stop() {
      if (refused !== undefined || child.exitCode !== null) return;
      child.kill('SIGINT');
      await ended;
    },
    async dissect(args) {
      const { stdout } = await promisify(execFile)('tshark', ['-r', file, ...args], { maxBuffer: OUTPUT_BYTES_MAX });
      return stdout;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
