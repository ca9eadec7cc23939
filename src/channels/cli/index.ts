/** The staff's command line: parses, asks the verbs it is given, prints for people or as JSON. Knows no database. */
export { buildCli, type CliApp, type CliIo, runCli } from './program.ts';
