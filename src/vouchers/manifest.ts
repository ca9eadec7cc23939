import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type Canonical, canonicalJson } from '../base/canonical.ts';
import { formatAmount, type Unit } from '../base/money.ts';
import type { Batch } from './batch.ts';

/** The signed statement of what a print file holds. A print file without its manifest is not to be printed. */
export type Manifest = {
  readonly format: 'sapar-manifest-1';
  readonly batch: string;
  readonly operator: string;
  readonly count: number;
  readonly digits: number;
  readonly firstSerial: string;
  readonly lastSerial: string;
  /** What one card is worth. */
  readonly values: readonly { readonly unit: Unit; readonly amount: string; readonly validDays: number | null }[];
  /** What all cards are worth, per unit. */
  readonly totals: readonly { readonly unit: Unit; readonly amount: string }[];
  readonly expiresAt: string;
  readonly generatedAt: string;
  /** Of the PIN key, for rotation. */
  readonly keyId: number;
  readonly recipients: readonly string[];
  readonly file: { readonly name: string; readonly bytes: number; readonly sha256: string };
  /** Ed25519 over the canonical JSON of everything above, base64. */
  readonly signature: string;
};

export type PrintedFile = { readonly name: string; readonly bytes: number; readonly sha256: string };

export function makeManifest(
  batch: Batch,
  made: { file: PrintedFile; at: Date; keyId: number },
  signingKey: KeyObject,
): Manifest {
  const unsigned = {
    format: 'sapar-manifest-1' as const,
    batch: String(batch.id),
    operator: batch.operator,
    count: batch.count,
    digits: batch.digits,
    firstSerial: String(batch.firstSerial),
    lastSerial: String(batch.lastSerial),
    values: batch.values.map(({ unit, amount, validDays }) => ({
      unit,
      amount: formatAmount(amount, unit),
      validDays: validDays ?? null,
    })),
    totals: totalsOf(batch),
    expiresAt: batch.expiresAt.toISOString(),
    generatedAt: made.at.toISOString(),
    keyId: made.keyId,
    recipients: batch.recipients,
    file: made.file,
  };
  return { ...unsigned, signature: sign(null, signedBytes(unsigned), signingKey).toString('base64') };
}

/** Whether this very text was signed by the holder of the key. */
export function isSignedBy(manifest: { readonly [name: string]: Canonical }, signingKey: KeyObject): boolean {
  const { signature, ...unsigned } = manifest;
  if (typeof signature !== 'string') return false;
  return verify(null, signedBytes(unsigned), createPublicKey(signingKey), Buffer.from(signature, 'base64'));
}

/** What anybody can check our manifests with: SPKI in PEM. */
export function publicKeyOf(signingKey: KeyObject): string {
  return createPublicKey(signingKey).export({ type: 'spki', format: 'pem' }).toString();
}

function signedBytes(unsigned: { readonly [name: string]: Canonical }): Buffer {
  return Buffer.from(canonicalJson(unsigned));
}

function totalsOf(batch: Batch): Manifest['totals'] {
  const sums = new Map<Unit, bigint>();
  for (const { unit, amount } of batch.values) {
    sums.set(unit, (sums.get(unit) ?? 0n) + amount * BigInt(batch.count));
  }
  return [...sums].map(([unit, amount]) => ({ unit, amount: formatAmount(amount, unit) }));
}
