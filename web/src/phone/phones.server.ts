import { error, type RequestEvent } from '@sveltejs/kit';
import { menuCodeOf, readOperators, type Visitor } from '../api.server.ts';
import { demoSettings } from '../settings.server.ts';

/** One phone of the demo: attached to the gateway of one operator. */
export type Phone = {
  readonly operator: string;
  readonly name: string;
  readonly menuCode: string;
  /** A number to start with, from the operator's own prefixes. */
  readonly number: string;
  /** Secret. */
  readonly gateway: string;
};

/** Who looks at which phone. */
export type Desk = { readonly phones: readonly Phone[]; readonly phone: Phone; readonly visitor: Visitor };

/** The phone an address asks for, `?operator=kcell`; the first without. Not found where the demo or that operator is off. */
export async function openDesk(event: RequestEvent): Promise<Desk> {
  const { locals, url } = event;
  const visitor = { language: locals.language, address: event.getClientAddress() };
  const demo = demoSettings();
  if (!demo) error(404, { message: 'The demo phone is off', code: 'demo_off' });
  const phones = await phonesOf(demo.ussd, visitor);
  const wanted = url.searchParams.get('operator') ?? phones[0]?.operator;
  const phone = phones.find((one) => one.operator === wanted);
  if (!phone) error(404, 'There is no such phone');
  return { phones, phone, visitor };
}

async function phonesOf(gateways: Readonly<Record<string, string>>, visitor: Visitor): Promise<Phone[]> {
  const operators = await readOperators(visitor);
  if (operators.kind !== 'read') error(503, 'The operators could not be read');
  return operators.value.flatMap((operator): Phone[] => {
    const gateway = gateways[operator.id];
    const menuCode = menuCodeOf(operator)?.code;
    if (gateway === undefined || menuCode === undefined) return [];
    const name = operator.names[visitor.language];
    return [{ operator: operator.id, name, menuCode, number: exampleNumber(operator.prefixes), gateway }];
  });
}

function exampleNumber(prefixes: readonly string[]): string {
  return `+7 ${prefixes[0] ?? '701'} 123 4567`;
}
