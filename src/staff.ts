import { Command } from 'commander';

export function buildProgram(): Command {
  return new Command('sapar');
}
