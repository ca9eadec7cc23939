import { createFaults, type Fault, readFaults } from '../wire/faults.ts';
import { openJournal } from '../wire/journal.ts';
import { type Answer, ControlError, json, jsonOf, type Server, startServer } from '../wire/server.ts';
import { type DayNo, dayNoOf, itemsOf, textOf } from './figures.ts';

/**
 * The National Bank's daily feed, `GET /rss/get_rates.cfm?fdate=24.11.2026`. It answers any day, weekends too, under the day asked for.
 * `POST /_control` with `{ "mode": … }`: `normal`; `yesterday` always answers for the day before; `empty` has no rates; `garbage` is a
 * page that is no feed; `fail` is a 503. And `{ "faults": [ … ] }` as in simulators/wire.
 */
const modes = ['normal', 'yesterday', 'empty', 'garbage', 'fail'] as const;

export type BankMode = (typeof modes)[number];

export type BankSettings = {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** JSON lines: the mode outlives a restart. */
  readonly journal?: string | undefined;
};

export type Bank = Server & {
  /** Of the feed, as the product is configured with it. */
  readonly feedUrl: string;
  set(control: { readonly mode?: BankMode; readonly faults?: readonly Fault[] }): void;
};

export const FEED_PATH = '/rss/get_rates.cfm';

export async function startBank(settings: BankSettings = {}): Promise<Bank> {
  const shelf = openJournal(settings.journal).shelf<BankMode>('bank');
  const faults = createFaults((status) => page(status, 'Сервис временно недоступен'));
  const set: Bank['set'] = ({ mode, faults: coming }) => {
    if (mode !== undefined) shelf.put('mode', mode);
    if (coming !== undefined) faults.set(coming);
  };
  const state = () => ({ mode: shelf.get('mode') ?? 'normal', faults: faults.list() });
  const server = await startServer({
    port: settings.port,
    host: settings.host,
    faults,
    routes: {
      [`GET ${FEED_PATH}`]: ({ query }) => answerFor(query.get('fdate') ?? '', state().mode),
      'GET /': () => page(200, 'Simulator of the National Bank of Kazakhstan: figures are made up, no money moves.'),
      'GET /_control': () => json(200, state()),
      'POST /_control': ({ body }) => {
        const { mode, faults: coming, ...rest } = jsonOf(body);
        if (Object.keys(rest).length > 0) throw new ControlError(`nothing is called ${Object.keys(rest).join(', ')}`);
        if (mode !== undefined) set({ mode: modeFrom(mode) });
        if (coming !== undefined) set({ faults: readFaults(coming) });
        return json(200, state());
      },
    },
  });
  return { ...server, feedUrl: `${server.url}${FEED_PATH}`, set };
}

function modeFrom(value: unknown): BankMode {
  const mode = modes.find((one) => one === value);
  if (mode === undefined) throw new ControlError(`a mode is one of ${modes.join(', ')}`);
  return mode;
}

function answerFor(asked: string, mode: BankMode): Answer {
  if (mode === 'fail') return page(503, 'Сервис временно недоступен');
  if (mode === 'garbage') return page(200, 'Технические работы');
  const day = dayNoOf(asked);
  if (day === undefined || mode === 'empty') return feed(asked, '  <info>На указанную дату курсов нет</info>');
  return daily(mode === 'yesterday' ? day - 1 : day);
}

function daily(day: DayNo): Answer {
  return feed(textOf(day), itemsOf(day));
}

function feed(date: string, content: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: `<?xml version="1.0" encoding="utf-8"?>
<rates>
  <generator>Simulator</generator>
  <title>Official exchange rates of National Bank of Republic Kazakhstan</title>
  <link>www.nationalbank.kz</link>
  <description>Simulated figures</description>
  <date>${date.replace(/[^\d.]/g, '')}</date>
${content}
</rates>
`,
  };
}

function page(status: number, text: string): Answer {
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="ru"><meta charset="utf-8"><title>Simulator</title><p>${text}<p>This is a simulator, no money moves.</html>`,
  };
}
