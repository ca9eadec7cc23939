import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { isNode, LineCounter, parseDocument } from 'yaml';

/** How far a fact may be trusted. Screens mark `low`, so that nobody takes a guess for the operator's word. */
export type Confidence = 'high' | 'medium' | 'low';

/** Where a fact comes from. `verifiedAt` is an ISO date; screens show it beside every dial code. */
export type Evidence = {
  readonly source: string;
  readonly verifiedAt: string;
  readonly confidence: Confidence;
  readonly note?: string;
};

export const text = Type.String({ pattern: '\\S' });
export const id = Type.String({ pattern: '^[a-z][a-z0-9-]{1,31}$' });
const day = Type.String({ format: 'date' });

/** A row without these three is a rumour: the whole pack is turned away. */
const evidence = {
  source: text,
  verified_at: day,
  confidence: Type.Enum(['high', 'medium', 'low']),
  note: Type.Optional(text),
};

type EvidenceRow = { source: string; verified_at: string; confidence: Confidence; note?: string };

export const row = <Fields extends TProperties>(fields: Fields) =>
  Type.Object({ ...fields, ...evidence }, { additionalProperties: false });

export function evidenceOf(given: EvidenceRow): Evidence {
  const { source, verified_at: verifiedAt, confidence, note } = given;
  return { source, verifiedAt, confidence, ...(note !== undefined && { note }) };
}

/** A file as a table of tables: one row schema a section. */
export type Sections = Readonly<Record<string, TSchema>>;

export type Pack<S extends Sections> = { readonly [Name in keyof S]: readonly Static<S[Name]>[] };

/** `index` counts from 0; without it the whole section is meant. */
export type Defect = { readonly section: string; readonly index?: number; readonly problem: string };

export type PackFile = { readonly yaml: string; readonly file: string };

/**
 * Reads one file of a country pack, once, at start. Throws one `Error` that lists every defect by file, line, row and field;
 * `contradictions` finds what each row alone cannot show.
 */
export function parsePack<S extends Sections>(
  { yaml, file }: PackFile,
  sections: S,
  contradictions: (pack: Pack<S>) => Defect[],
): Pack<S> {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines });
  const unreadable = document.errors.map((error) => `${file}: ${error.message.split('\n')[0]}`);
  refuseIfAny(unreadable, file);

  const content: unknown = document.toJS();
  const show = ({ section, index, problem }: Defect): string => {
    if (index === undefined) return `${file}: ${section} ${problem}`;
    const node = document.getIn([section, index], true);
    const start = isNode(node) ? node.range?.[0] : undefined;
    const line = start === undefined ? '' : `:${lines.linePos(start).line}`;
    return `${file}${line}: ${section} row ${index + 1}: ${problem}`;
  };
  refuseIfAny(shapeDefects(content, sections).map(show), file);
  const pack = content as Pack<S>;
  refuseIfAny(contradictions(pack).map(show), file);
  return pack;
}

export function doubles(section: string, keys: readonly string[]): Defect[] {
  return keys.flatMap((key, index) => {
    const first = keys.indexOf(key);
    return first === index ? [] : [{ section, index, problem: `${key} is already in row ${first + 1}` }];
  });
}

function refuseIfAny(defects: readonly string[], file: string): void {
  if (defects.length > 0) throw new Error(`the country pack ${file} is defective:\n${defects.join('\n')}`);
}

function shapeDefects(content: unknown, sections: Sections): Defect[] {
  if (!isRecord(content)) return [{ section: 'the file', problem: 'must hold sections of rows' }];
  const strangers = Object.keys(content).filter((name) => !Object.hasOwn(sections, name));
  return [
    ...strangers.map((section) => ({ section, problem: 'is not a section of this file' })),
    ...Object.entries(sections).flatMap(([section, schema]) => sectionDefects(section, schema, content[section])),
  ];
}

function sectionDefects(section: string, schema: TSchema, rows: unknown): Defect[] {
  if (!Array.isArray(rows)) return [{ section, problem: 'must be a list of rows' }];
  const validator = Compile(schema);
  return rows.flatMap((value: unknown, index) =>
    validator.Check(value)
      ? []
      : validator.Errors(value).flatMap((error) => problems(error).map((problem) => ({ section, index, problem }))),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The checker's words made readable to whoever edits the file: the field first, then what it should be. */
function problems(error: TLocalizedValidationError): string[] {
  const field = error.instancePath.slice(1).replaceAll('/', '.');
  switch (error.keyword) {
    case 'required':
      return error.params.requiredProperties.map((name) => `${field === '' ? name : `${field}.${name}`} is missing`);
    case 'boolean':
      return [`${field} is not a field of this section`];
    case 'additionalProperties':
      return []; // said by name in the 'boolean' arm
    case 'enum':
      return [`${field} must be one of ${error.params.allowedValues.join(', ')}`];
    case 'format':
      return [`${field} must be a ${error.params.format}, as 2026-11-23`];
    case 'pattern':
      return [`${field} must look like ${String(error.params.pattern)}`];
    default:
      return [`${field === '' ? 'the row' : field} ${error.message}`];
  }
}
