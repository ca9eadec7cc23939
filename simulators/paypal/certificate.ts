import { createHash, generateKeyPair, type KeyPairKeyObjectResult, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';

/** The key webhooks are signed with and its certificate, both PEM. The key is a simulator's: it protects nothing. */
export type Signer = { readonly id: string; readonly privateKey: string; readonly certificate: string };

export type CertificateWishes = {
  readonly commonName: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
};

const makeKeys = promisify(generateKeyPair);

/** A new RSA key with a self-signed certificate, known by a name made from its fingerprint. */
export async function makeSigner(wishes: CertificateWishes): Promise<Signer> {
  const keys = await makeKeys('rsa', { modulusLength: 2048 });
  const certificate = makeCertificate(wishes, keys);
  const print = createHash('sha256').update(certificate).digest('hex');
  return {
    id: `CERT-${print.slice(0, 8)}-${print.slice(8, 16)}-${print.slice(16, 24)}`,
    privateKey: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate,
  };
}

/** Self-signed, as PEM. */
export function makeCertificate(wishes: CertificateWishes, keys: KeyPairKeyObjectResult): string {
  return pemOf(selfSigned(wishes, keys));
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

// X.509 (RFC 5280, 4.1) in DER (ITU-T X.690), as much of both as one certificate without extensions takes.

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** Object identifiers as their content octets. */
const COMMON_NAME = Buffer.from([0x55, 0x04, 0x03]);
const ORGANIZATION = Buffer.from([0x55, 0x04, 0x0a]);
const SHA256_WITH_RSA = Buffer.from([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]);

function selfSigned(
  { commonName, notBefore, notAfter }: CertificateWishes,
  { privateKey, publicKey }: KeyPairKeyObjectResult,
): Buffer {
  const algorithm = tlv(SEQUENCE, tlv(OID, SHA256_WITH_RSA), tlv(NULL));
  const name = tlv(SEQUENCE, attribute(ORGANIZATION, 'Simulator, no real PayPal'), attribute(COMMON_NAME, commonName));
  const tbs = tlv(
    SEQUENCE,
    // Positive and not empty: the first bit is off, the second on.
    tlv(INTEGER, Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithm,
    name,
    tlv(SEQUENCE, time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('RSA-SHA256', tbs, privateKey);
  return tlv(SEQUENCE, tbs, algorithm, tlv(BIT_STRING, Buffer.from([0]), signature));
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** Below 128 one octet; above, the number of octets that follow, then they. */
function lengthOf(length: number): Buffer {
  if (length < 128) return Buffer.from([length]);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Buffer.from([0x80 | octets.length, ...octets]);
}

function attribute(kind: Buffer, value: string): Buffer {
  return tlv(SET, tlv(SEQUENCE, tlv(OID, kind), tlv(UTF8_STRING, Buffer.from(value))));
}

/** Two digits of year up to 2049, four from then on. */
function time(at: Date): Buffer {
  const digits = `${at.toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '')}`;
  return at.getUTCFullYear() < 2050
    ? tlv(UTC_TIME, Buffer.from(digits.slice(2)))
    : tlv(GENERALIZED_TIME, Buffer.from(digits));
}
