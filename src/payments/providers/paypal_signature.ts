import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import { ProviderUnavailable } from '../provider.ts';
import { readBounded } from './bounded.ts';

export type PaypalSignatures = {
  /** Refuses with `webhook.signature` or `webhook.stale`; `ProviderUnavailable` where the certificate cannot be had now. */
  check(body: Buffer, headers: Readonly<Record<string, string | undefined>>): Promise<void>;
};

type CertificateSource = {
  readonly apiUrl: string;
  /** The one other place certificates may come from: the simulator's. PayPal's own are then not accepted. */
  readonly certOrigin: string | undefined;
};

export type PaypalSigner = CertificateSource & { readonly webhookId: string; readonly clock: Clock };

/**
 * PayPal signs `transmission id|time|webhook id|crc32 of the body` with RSA-SHA256 and names the address of its certificate. Who picks
 * that address picks the key, so it is the heart of the check: PayPal's own hosts, over TLS, at the path of its certificates, and no
 * redirect to anywhere else. Of the body the signature covers a CRC alone, for which anybody finds a second body: whoever came by the
 * headers of one genuine notification could write others. Hence no notification of PayPal says what was paid (see paypal_events.ts).
 */
export function createPaypalSignatures(signer: PaypalSigner): PaypalSignatures {
  const certificates = createCertificates();
  return {
    async check(body, headers) {
      const said = readHeaders(headers);
      const now = signer.clock.now();
      refuseStale(said.time, now);
      const url = certificateUrl(said.certUrl, signer);
      if (url === undefined) throw new Refusal('webhook.signature');
      const key = keyOf(await certificates.get(url), now);
      const message = `${said.id}|${said.time}|${signer.webhookId}|${crc32(body)}`;
      if (!verify('RSA-SHA256', Buffer.from(message), key, said.signature)) throw new Refusal('webhook.signature');
    },
  };
}

type Said = { id: string; time: string; certUrl: string; signature: Buffer };

function readHeaders(headers: Readonly<Record<string, string | undefined>>): Said {
  const read = (name: string, lengthMax: number): string => {
    const value = headers[`paypal-${name}`];
    if (value === undefined || value === '' || value.length > lengthMax) throw new Refusal('webhook.signature');
    return value;
  };
  // The only one PayPal uses; a header does not choose how it is checked.
  if (read('auth-algo', 100) !== 'SHA256withRSA') throw new Refusal('webhook.signature');
  return {
    id: read('transmission-id', 100),
    time: read('transmission-time', 100),
    certUrl: read('cert-url', 500),
    signature: Buffer.from(read('transmission-sig', 1_024), 'base64'),
  };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

function refuseStale(time: string, now: Date): void {
  if (!TIME.test(time)) throw new Refusal('webhook.signature');
  const age = now.getTime() - Date.parse(time);
  // Not a number (the 31st of June) is no age either.
  if (!(age <= limits.paypalWebhookAgeMsMax && age >= -limits.webhookAgeMsMax)) throw new Refusal('webhook.stale');
}

/** `CERT-360caa42-fca2a594-1d93a270`, and nothing that another server could read as a way out of the folder. */
const CERTIFICATE_PATH = /^\/v1\/notifications\/certs\/[\w-]{1,100}$/;

/** The address, where it is one a certificate may come from. */
export function certificateUrl(text: string, { apiUrl, certOrigin }: CertificateSource): URL | undefined {
  const url = URL.parse(text);
  const isTrusted =
    url !== null &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '' &&
    CERTIFICATE_PATH.test(url.pathname) &&
    (certOrigin === undefined ? isPaypal(url, apiUrl) : url.origin === new URL(certOrigin).origin);
  return isTrusted ? url : undefined;
}

/** What PayPal's test environment has signed is nothing to a platform that takes real money, and the other way round. */
function isPaypal(url: URL, apiUrl: string): boolean {
  const isTest = (host: string): boolean => host.endsWith('.sandbox.paypal.com');
  return (
    url.protocol === 'https:' &&
    url.port === '' &&
    url.hostname.endsWith('.paypal.com') &&
    isTest(url.hostname) === isTest(new URL(apiUrl).hostname)
  );
}

/** The name PayPal's signing certificates are issued to, so that no other certificate of theirs is taken for one. */
const SUBJECT = /^CN=messageverificationcerts(\.\w+)*\.paypal\.com$/m;

function keyOf(certificate: X509Certificate, now: Date): KeyObject {
  const key = certificate.publicKey;
  const sound =
    now >= certificate.validFromDate &&
    now <= certificate.validToDate &&
    SUBJECT.test(certificate.subject) &&
    key.asymmetricKeyType === 'rsa' &&
    (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2_048;
  if (!sound) throw new Refusal('webhook.signature');
  return key;
}

type Certificates = { get(url: URL): Promise<X509Certificate> };

/**
 * Certificates by address, kept: PayPal gives a new one a new address. Anybody can name addresses that hold none, so what fails is
 * not kept, pushes out nothing that is, and only a few are asked for at once.
 */
function createCertificates(): Certificates {
  const kept = new Map<string, X509Certificate>();
  const asked = new Map<string, Promise<X509Certificate>>();

  const fetchAndKeep = async (url: URL): Promise<X509Certificate> => {
    try {
      const certificate = await fetchCertificate(url);
      const [oldest] = kept.keys();
      if (oldest !== undefined && kept.size >= limits.certificatesMax) kept.delete(oldest);
      kept.set(url.href, certificate);
      return certificate;
    } finally {
      asked.delete(url.href);
    }
  };

  return {
    async get(url) {
      const known = kept.get(url.href) ?? asked.get(url.href);
      if (known !== undefined) return known;
      if (asked.size >= limits.certificateFetchesMax) throw new ProviderUnavailable('paypal', 'too many certificates');
      const asking = fetchAndKeep(url);
      asked.set(url.href, asking);
      return asking;
    },
  };
}

/** A refusal where the address holds no certificate; `ProviderUnavailable` where that is not known, so that PayPal sends again. */
async function fetchCertificate(url: URL): Promise<X509Certificate> {
  const { status, body } = await download(url);
  if (status === 429 || status >= 500) throw new ProviderUnavailable('paypal', `certificate: ${status}`);
  if (status !== 200) throw new Refusal('webhook.signature');
  try {
    return new X509Certificate(body);
  } catch {
    throw new Refusal('webhook.signature');
  }
}

async function download(url: URL): Promise<{ status: number; body: Buffer }> {
  try {
    const signal = AbortSignal.timeout(limits.paymentCallMs);
    const response = await fetch(url, { redirect: 'manual', signal });
    // Any status but 200 is decided without its body; a redirect is one of them.
    if (response.status !== 200) await response.body?.cancel();
    const body = response.status === 200 ? await readBounded(response, limits.certificateBytesMax) : Buffer.alloc(0);
    return { status: response.status, body };
  } catch (cause) {
    throw new ProviderUnavailable('paypal', cause);
  }
}
