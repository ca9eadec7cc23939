import { writeSync } from 'node:fs';
import { runCli } from './channels/cli/index.ts';
import { readConfig } from './config.ts';
import { type Serving, serve } from './serve.ts';
import { addSimulate } from './simulate.ts';
import { buildProgram } from './staff.ts';
import { welcomeJson, welcomeText } from './welcome.ts';

// The only executable: `serve` runs the platform, everything else is a staff command.

type ServeOptions = { port?: string; host?: string; dataDir?: string; json?: boolean; demo?: boolean };

const { stdin, stdout, stderr, env } = process;
const io = { stdin, stdout, stderr, env };
const program = buildProgram(io);

program
  .command('serve')
  .description('run the platform: site, API, USSD gateways')
  .option('--port <n>', 'where to listen (default 8080)')
  .option('--host <address>', 'address to listen on (default 127.0.0.1)')
  .option('--data-dir <dir>', 'embedded database, keys and demo secrets (default .sapar)')
  .option('--demo', 'demo partner, cards and phone (default with the embedded database)')
  .option('--no-demo', 'none of them')
  .option('--json', 'print one JSON line when ready')
  .action(async (options: ServeOptions) => {
    const serving = await serve(readConfig(env, options));
    stopOnSignal(serving);
    writeSync(1, options.json === true ? `${JSON.stringify(welcomeJson(serving))}\n` : welcomeText(serving));
  });

addSimulate(program);

const code = await runCli(program, process.argv.slice(2), io);
if (code !== 0) process.exitCode = code;

/** A signal to the whole process group arrives twice, directly and forwarded; a second one later means "now". */
const SAME_SIGNAL_MS = 1_000;

function stopOnSignal(serving: Serving): void {
  let stoppingSince: number | undefined;
  const stop = (): void => {
    if (stoppingSince !== undefined && performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
    if (stoppingSince !== undefined) return;
    stoppingSince = performance.now();
    serving.close().then(
      () => process.exit(process.exitCode ?? 0),
      (error: unknown) => {
        process.stderr.write(`sapar: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
