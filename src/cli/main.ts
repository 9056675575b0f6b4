#!/usr/bin/env node
// `cutloss <command>`: finds the command, runs it, and turns what goes wrong into one sentence and an exit code. 2 says that
// the command line or a file is at fault, 1 that we or the machine are.

import { CutlossError } from '../errors.js';
import { FileError } from '../images/field.js';
import { packageVersion } from '../native.js';
import { nearestName } from '../options.js';
import { choice, describe } from '../validate.js';
import {
  type Arguments,
  type Command,
  type FlagTable,
  helpOf,
  isBadArgument,
  parse,
  UsageError,
} from './arguments.js';
import { betti, runBetti } from './betti.js';
import { doctor, runDoctor } from './doctor.js';

interface Entry {
  readonly command: Command;
  run(words: readonly string[]): Promise<number>;
}

function entry<Flags extends FlagTable>(
  command: Command<Flags>,
  run: (given: Arguments<Flags>) => Promise<number>,
): Entry {
  return { command, run: (words) => run(parse(command, words)) };
}

const entries = [entry(betti, runBetti), entry(doctor, runDoctor)];

const usage = `cutloss <command> [options]

${entries.map(({ command: { name, about } }) => `  ${name.padEnd(8)}${about.split(/[:.]/, 1)[0]?.replace(/\n/g, ' ')}`).join('\n')}

'cutloss <command> --help' says more, 'cutloss --version' which version this is.
`;

async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words;
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (name === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const found = entries.find(({ command }) => command.name === name);
  if (found === undefined) throw unknownCommand(name);
  const ours = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined);
  if (ours.includes('--help') || ours.includes('-h')) {
    process.stdout.write(helpOf(found.command));
    return 0;
  }
  return found.run(rest);
}

function unknownCommand(name: string): UsageError {
  const known = entries.map(({ command }) => command.name);
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : `: did you mean '${nearest}'?`;
  return new UsageError(`Expected ${choice(known)} after 'cutloss' but received ${describe(name)}${hint}`);
}

// A reader that has seen enough, such as head, is no failure; a full disk is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`cutloss: cannot write what was found: ${error.message}\n`);
  process.exit(1);
});

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const ours = error instanceof UsageError || error instanceof FileError || isBadArgument(error);
    const text =
      ours || error instanceof CutlossError ? error.message : error instanceof Error ? error.stack : error;
    process.stderr.write(`cutloss: ${text}\n`);
    process.exitCode = ours ? 2 : 1;
  },
);
