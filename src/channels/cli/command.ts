import { type Command, InvalidArgumentError } from 'commander';
import { parseActor } from '../../audit/index.ts';
import { Refusal } from '../../base/refusal.ts';
import { refusalText } from '../../i18n/index.ts';
import { asJson } from './output.ts';
import type { Cli, CliApp, CliIo } from './program.ts';

/** What a command was called with. `args` are its arguments, read by the parsers it declared. */
export type Call<O> = {
  readonly app: CliApp;
  readonly io: CliIo;
  readonly args: readonly unknown[];
  readonly options: O;
  /** Who acts, where the command needs to know. */
  readonly actor: string;
};

export type LoneCall<O> = Pick<Call<O>, 'io' | 'args' | 'options'>;

/** What a command answers: for people and, with --json, for programs. `isBad` where the question was asked and the answer is no. */
export type Answer = { readonly text: string; readonly data: unknown; readonly isBad?: true };

/** Options that make no sense together. */
export class UsageError extends Error {}

/** The answer was printed; the exit code says that it is bad news. */
export class BadNews extends Error {}

/** A command that only looks. */
export function ask<O>(command: Command, cli: Cli, work: (call: Call<O>) => Promise<Answer>): void {
  run<O>(command, cli, { work, actorOf: () => '' });
}

/** A command that needs no platform: it runs where there is none, on a printer's machine. */
export function alone<O>(command: Command, cli: Cli, work: (call: LoneCall<O>) => Promise<Answer>): void {
  command.option('--json', 'print JSON').action(async () => {
    const options = command.opts<O & { json?: boolean }>();
    tell(cli.io, await work({ io: cli.io, args: command.processedArgs, options }), options.json);
  });
}

/** A command that changes something, by somebody with a name. */
export function act<O>(command: Command, cli: Cli, work: (call: Call<O>) => Promise<Answer>): void {
  command.option('--as <name>', 'who you are (or SAPAR_AS in the environment)');
  const actorOf = (): string => {
    const { as } = command.opts<{ as?: string }>();
    const name = as ?? cli.io.env.SAPAR_AS;
    if (name === undefined || name === '') command.error("error: say who you are: '--as NAME', or SAPAR_AS");
    try {
      return parseActor(name);
    } catch {
      return command.error(`error: '${name}' is no name to act under: a-z, 0-9, dot, hyphen, underscore`);
    }
  };
  run<O>(command, cli, { work, actorOf });
}

type Running<O> = { readonly work: (call: Call<O>) => Promise<Answer>; readonly actorOf: () => string };

function run<O>(command: Command, cli: Cli, { work, actorOf }: Running<O>): void {
  command.option('--json', 'print JSON').action(async () => {
    const actor = actorOf();
    const options = command.opts<O & { json?: boolean }>();
    const app = await cli.open();
    try {
      tell(cli.io, await work({ app, io: cli.io, args: command.processedArgs, options, actor }), options.json);
    } finally {
      await app.close();
    }
  });
}

function tell(io: CliIo, { text, data, isBad }: Answer, isJson = false): void {
  io.stdout.write(isJson ? asJson(data) : `${text}\n`);
  if (isBad) throw new BadNews();
}

/** Makes a reader of ours one of commander's: what it refuses is a mistake in the call, not an answer. */
export function argument<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (error instanceof Refusal) throw new InvalidArgumentError(refusalText(error.code, 'en', error.details));
      throw new InvalidArgumentError(error instanceof Error ? error.message : '');
    }
  };
}

/** The same for an option that may be given several times. */
export function arguments_<T>(read: (text: string) => T): (text: string, before?: readonly T[]) => readonly T[] {
  const one = argument(read);
  return (text, before = []) => [...before, one(text)];
}
