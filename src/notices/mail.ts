import { createTransport } from 'nodemailer';
import type { Secret } from '../base/secret.ts';

/** One letter of plain text. `id` is the same for the same news of the same thing, so that a letter sent twice is shown once. */
export type Letter = { readonly to: string; readonly subject: string; readonly text: string; readonly id: string };

export type Mailer = {
  /** `refused`: the post office will never take it. Throws where it may later. */
  send(letter: Letter): Promise<'sent' | 'refused'>;
};

export type MailSettings = {
  /** `smtp://user:password@host:587` or `smtps://…`. */
  readonly url: Secret;
  /** `Sapar <no-reply@example.kz>` */
  readonly from: string;
  readonly timeoutMs: number;
};

const PERMANENT = 500;

/** Letters over SMTP (RFC 5321). */
export function createMailer({ url, from, timeoutMs }: MailSettings): Mailer {
  // Revealed to the transport alone.
  const transport = createTransport({
    url: url.reveal(),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // What a letter holds is ours; nothing in it is fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text, id }) {
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: to },
          subject,
          text,
          messageId: `<${id}>`,
          headers: { 'auto-submitted': 'auto-generated' },
        });
        return 'sent';
      } catch (error) {
        if (isPermanent(error)) return 'refused';
        throw error;
      }
    },
  };
}

/** The receiving side's own word on this letter; a sign-in that fails is ours to mend, and the letter waits for it. */
function isPermanent(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error) || !('code' in error)) return false;
  return error.code !== 'EAUTH' && Number(error.responseCode) >= PERMANENT;
}
