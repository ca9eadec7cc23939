/** Text that is HTML already. Everything else put into `html` is escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Piece = string | number | Html | readonly Html[] | undefined;

const escapes: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => escapes.get(sign) ?? sign);
}

/** Markup with blanks; what is filled in is escaped unless it is `Html`. */
export function html(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const filled = pieces.map((piece, index) => {
    if (piece === undefined) return parts[index + 1] ?? '';
    if (piece instanceof Html) return piece.text + (parts[index + 1] ?? '');
    if (typeof piece === 'object') return piece.map(({ text }) => text).join('') + (parts[index + 1] ?? '');
    return escapeHtml(String(piece)) + (parts[index + 1] ?? '');
  });
  return new Html((parts[0] ?? '') + filled.join(''));
}

/** Pages look alike, so that a visitor knows a simulator's page at sight; light and dark, 44 px targets, no script, no other file. */
const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --ground: #f4f5f7; --line: #d0d7de;
  --accent: #1f5fbf; --on-accent: #fff; --notice: #fff3cd; --notice-ink: #5c4400; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --paper: #161b22; --ground: #0d1117; --line: #3d444d;
  --accent: #79b0ff; --on-accent: #0d1117; --notice: #3d2f00; --notice-ink: #ffe08a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, 'Noto Sans', 'Noto Sans SC', sans-serif; }
.notice { margin: 0; padding: .75rem 1rem; background: var(--notice); color: var(--notice-ink); text-align: center; font-weight: 600; }
main { max-width: 28rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem; }
h1 { margin: 0 0 .25rem; font-size: 1rem; font-weight: 600; color: var(--soft); }
.amount { margin: 0 0 .75rem; font-size: 2rem; font-weight: 700; line-height: 1.2; }
dl { margin: 0 0 1rem; display: grid; grid-template-columns: auto 1fr; gap: .25rem .75rem; }
dt { color: var(--soft); } dd { margin: 0; text-align: end; overflow-wrap: anywhere; }
.alert { margin: 0 0 1rem; padding: .75rem; border-inline-start: .25rem solid #d1242f; background: color-mix(in srgb, #d1242f 12%, transparent); }
form { display: grid; gap: .75rem; margin: 0; }
button, .button { display: block; width: 100%; min-height: 44px; padding: .6rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: transparent; color: inherit; font: inherit; text-align: center; text-decoration: none; cursor: pointer; }
button.first { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
small { color: var(--soft); display: block; }
`;

export type Page = {
  readonly language: string;
  readonly title: string;
  /** Says that this is a simulator and that no money moves. */
  readonly notice: string;
  readonly body: Html;
};

/** The answer with a whole page. Nothing on it may load, run or be framed. */
export function page(
  { language, title, notice, body }: Page,
  status = 200,
): { status: number; headers: Record<string, string>; body: string } {
  const document = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<header class="notice">${notice}</header>
<main>${body}</main>
</body>
</html>
`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
      'referrer-policy': 'no-referrer',
    },
    body: document.text,
  };
}

/** Decimal text and its currency as a reader of that language writes it. */
export function moneyText(amount: string, currency: string, language: string): string {
  const style = new Intl.NumberFormat(language, { style: 'currency', currency, currencyDisplay: 'code' });
  return style.format(amount as Intl.StringNumericLiteral);
}
