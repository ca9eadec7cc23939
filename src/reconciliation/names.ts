import { idsOfReference, parseUuid } from '../base/ids.ts';

/** What others keep of ours: `<order id>/<no>` or `<order id>/refund/<no>` in their metadata, or the reference that people read out. */
export type OurReference = { readonly text: string; readonly names: readonly string[] };

const WITH_NO = /^(.{36})\/((?:refund\/)?)(\d{1,4})$/;
/** A provider that wants each invoice number once has the number of the payment added to it. */
const FOR_PEOPLE = /^([0-9a-z]{4}-?[0-9a-z]{4}-?[0-9a-z]{4})(?:[/-]\d{1,4})?$/i;

/** Reads a reference of ours; undefined where the text is somebody else's, which is then not kept. */
export function parseReference(text: string): OurReference | undefined {
  const written = text.trim();
  const [, id, part = '', no] = WITH_NO.exec(written) ?? [];
  const order = parseUuid(id ?? written);
  if (order !== undefined)
    return { text: written, names: no === undefined ? [order] : [`${order}/${part}${Number(no)}`, order] };
  const [, spoken] = FOR_PEOPLE.exec(written) ?? [];
  const range = spoken === undefined ? undefined : idsOfReference(spoken);
  return range && { text: written, names: [spokenName(range.from)] };
}

/** The 60 bits of an order's id that its reference for people spells out. `named` in compare_store says the same in SQL. */
function spokenName(id: string): string {
  const hex = id.replaceAll('-', '');
  return `ref:${hex.slice(0, 12)}${hex.slice(13, 16)}`;
}
