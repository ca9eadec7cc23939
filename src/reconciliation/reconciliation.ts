import * as audit from '../audit/index.ts';
import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { orRefusal, Refusal } from '../base/refusal.ts';
import { type Db, type Tx, withLoad, withTx } from '../db/index.ts';
import type { Agent, Agents, Subscribers } from '../parties/index.ts';
import { refresh } from './compare_store.ts';
import type { Difference, ReportFile } from './difference.ts';
import { type Asked, createFormats } from './formats.ts';
import { type Knowledge, type Reading, readLines, type Survey, surveyReport } from './read.ts';
import { agentOf, invalid, type Line, type LineKind, type Source, sources } from './report.ts';
import * as store from './store.ts';

export type ImportReport = {
  readonly source: Source;
  readonly path: string;
  /** What the file is called, for people. */
  readonly name: string;
  readonly actor: string;
  readonly layout?: Asked | undefined;
  /** Whether something was left out of it on purpose: then nothing is missing in it. */
  readonly isPartial?: boolean;
  readonly known?: Partial<Knowledge>;
  /** Told after each chunk that was written. */
  readonly onProgress?: (done: number, total: number) => void;
};

/** What has come of looking at reports and books again. */
export type Changes = { readonly appeared: number; readonly went: number; readonly open: number };

export type Imported = {
  /** False: the same file was imported before, and nothing has changed. */
  readonly isNew: boolean;
  readonly file: ReportFile;
  readonly kinds: Readonly<Partial<Record<LineKind, number>>>;
  readonly differences: Changes;
};

export type Detail = {
  readonly difference: Difference;
  /** Words and ids of the other side. */
  readonly line:
    | { readonly reference: string | undefined; readonly extra: Readonly<Record<string, string>> }
    | undefined;
};

export type Reconciliation = ReturnType<typeof createReconciliation>;

export type ReconciliationDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly subscribers: Pick<Subscribers, 'refer'>;
  /** Whose registers they are, and how each is laid out. */
  readonly agents: Pick<Agents, 'find'>;
};

/** Compares what providers and operators report with our books. Says where they differ; never moves money. */
export function createReconciliation(deps: ReconciliationDeps) {
  const { db, clock, subscribers, agents } = deps;
  const formats = createFormats((msisdn) => subscribers.refer(msisdn).index);

  const agentFor = async (source: Source): Promise<Agent | undefined> => {
    const name = agentOf(source);
    return name === undefined ? undefined : agents.find(name);
  };

  async function import_(asked: ImportReport): Promise<Imported> {
    const known: Knowledge = { period: undefined, zoneMinutes: undefined, order: undefined, ...asked.known };
    const agent = await agentFor(asked.source);
    const candidates = formats.candidates(asked.source, asked.layout, agent);
    const { reading, survey } = await surveyReport(asked.path, candidates, known);
    return withLoad(db, ({ tx }) => importOnce(tx, { asked, agent, reading, survey, at: clock.now() }));
  }

  async function refreshAll(which: readonly Source[]): Promise<Changes> {
    // A load has no statement timeout: years of reports take longer than a page may.
    return withLoad(db, async ({ tx }) => {
      await store.lock(tx);
      let [appeared, went] = [0, 0];
      for (const source of which) {
        const changes = await refresh(tx, { source, agent: (await agentFor(source))?.id, now: clock.now() });
        appeared += changes.appeared;
        went += changes.went;
      }
      return { appeared, went, open: await store.countOpen(tx, which.length === 1 ? which[0] : undefined) };
    });
  }

  return {
    layouts: formats.ids,
    /** All of a report or nothing of it: what cannot be read is refused with its line and column (`report.invalid`). */
    import: import_,
    /** Looks at reports and books again: the books may have moved on. Then the differences, open ones first, and how many are open. */
    async list(
      which: { source?: Source; isOpenOnly?: boolean } = {},
    ): Promise<{ differences: Difference[]; open: number }> {
      const { source, isOpenOnly = false } = which;
      const { open } = await refreshAll(
        source === undefined ? [...sources, ...(await store.agentSources(db))] : [source],
      );
      return { differences: await store.listDifferences(db, { source, isOpenOnly }), open };
    },
    /** The newest files that were imported. */
    files: (source?: Source): Promise<ReportFile[]> => store.listFiles(db, source),
    async find(id: bigint): Promise<Detail> {
      const difference = await findIn(db, id);
      const { seenIn } = difference;
      return { difference, line: seenIn && (await store.findLine(db, seenIn)) };
    },
    /** What staff have made of it, in their words. It moves nothing and is not taken back. */
    async resolve({ id, note, actor }: { id: bigint; note: string; actor: string }): Promise<Difference> {
      const kept = noteOf(note);
      const { kind, source } = await findIn(db, id);
      await withTx(db, async (tx) => {
        const isDone = await store.resolveDifference(tx, { id, at: clock.now(), by: actor, note: kept });
        if (!isDone) throw new Refusal('difference.resolved');
        const details = { source, kind, note: kept };
        audit.record(tx, { actor, action: 'reconciliation.resolve', subject: `difference:${id}`, details });
      });
      return findIn(db, id);
    },
  };
}

type Importing = { asked: ImportReport; agent: Agent | undefined; reading: Reading; survey: Survey; at: Date };

async function importOnce(tx: Tx, { asked, agent, reading, survey, at }: Importing): Promise<Imported> {
  const { source, actor, onProgress, isPartial = false } = asked;
  await store.lock(tx);
  const before = await store.findFile(tx, survey.sha256);
  if (before && before.source !== source) throw invalid(`it was imported before, as a report of ${before.source}`);
  if (before) {
    const open = await store.countOpen(tx, source);
    return { isNew: false, file: before, kinds: survey.kinds, differences: { appeared: 0, went: 0, open } };
  }
  const { sha256, bytes, rows, period, kinds } = survey;
  const inserted = await store.insertFile(tx, {
    source,
    layout: reading.format.id,
    sha256,
    name: asked.name.slice(0, limits.reportNameLengthMax),
    bytes,
    rows,
    period,
    isComplete: reading.format.isComplete && !isPartial,
    importedAt: at,
    importedBy: actor,
  });
  const file = present(inserted, 'an inserted row comes back');
  await loadLines(tx, { file, reading, onProgress });
  const changes = await refresh(tx, { source, agent: agent?.id, now: at, from: period.from });
  const details = { source, layout: file.layout, name: file.name, rows, sha256: file.sha256 };
  audit.record(tx, { actor, action: 'reconciliation.import', subject: `report:${file.id}`, details });
  return { isNew: true, file, kinds, differences: { ...changes, open: await store.countOpen(tx, source) } };
}

type Loading = { file: ReportFile; reading: Reading; onProgress: ImportReport['onProgress'] };

/** Reads the file again, now into the table. It must still be the one that was looked at. */
async function loadLines(tx: Tx, { file, reading, onProgress }: Loading): Promise<void> {
  const lines = readLines(reading);
  let chunk: Line[] = [];
  let done = 0;
  const write = async (): Promise<void> => {
    await store.insertLines(tx, file, chunk);
    done += chunk.length;
    chunk = [];
    onProgress?.(done, file.rows);
  };
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      if (chunk.length > 0) await write();
      if (next.value.sha256.toString('hex') !== file.sha256) throw invalid('changed while it was read');
      return;
    }
    chunk.push(next.value);
    if (chunk.length === limits.reportChunkLines) await write();
  }
}

async function findIn(db: Db, id: bigint): Promise<Difference> {
  const difference = await store.findDifference(db, id);
  if (!difference) throw new Refusal('difference.not_found');
  return difference;
}

/** The record of it can never be changed, so a number of a person must not get into it. */
function noteOf(text: string): string {
  const note = text.trim();
  const isTooLong = note.length > limits.differenceNoteLengthMax;
  const numbers = note.match(/\+?\d[\d\s()-]{8,}\d/g) ?? [];
  const hasNumber = numbers.some((digits) => !(orRefusal(() => parseMsisdn(digits)) instanceof Refusal));
  if (note === '' || isTooLong || hasNumber) throw new Refusal('request.invalid', { field: 'note' });
  return note;
}
