// Processes with a limit: each runs in a group of its own, which is ended when its time, or the whole check's, is up.
// What they say goes to the log.
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';

let logFile;
export const log = {
  to(file) {
    logFile = file;
    writeFileSync(file, '');
  },
  write(text) {
    if (logFile) appendFileSync(logFile, text);
  },
};

let end = Infinity;
export function stopAfter(seconds) {
  end = performance.now() + seconds * 1000;
}

/** The environment of a child: ours without variables that would change what it computes, and with its own. */
function environmentWith(env) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(NODE_|CUTLOSS_)/.test(name) || name === 'CUTLOSS_PYTHON',
  );
  return { ...Object.fromEntries(kept), ...env };
}

/** How a program ended. `problem` is a sentence unless it ended with 0 by itself. */
export function run(program, args, { env = {}, seconds = 120, onGo } = {}) {
  return new Promise((resolve) => {
    const started = performance.now();
    const limit = Math.min(seconds * 1000, end - started);
    if (limit < 1000) return resolve({ problem: 'not run: no time was left', stdout: '', stderr: '' });
    log.write(`$ ${program} ${args.join(' ')}\n`);
    const child = spawn(program, args, {
      env: environmentWith(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    let gone = false;
    const clock = setTimeout(() => {
      late = true;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {} // it has just ended by itself
    }, limit);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      if (onGo && !gone && /^go$/m.test(stdout)) {
        gone = true;
        child.kill(onGo);
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const finish = (code, signal, problem) => {
      clearTimeout(clock);
      log.write(`${stdout}${stderr}`);
      const milliseconds = performance.now() - started;
      resolve({ code, signal, stdout, stderr, milliseconds, late, problem });
    };
    child.on('error', (error) => finish(null, null, error.message));
    child.on('close', (code, signal) => {
      const how = late
        ? `ended after ${(limit / 1000).toFixed(0)} s`
        : signal
          ? `ended by ${signal}`
          : `exit code ${code}`;
      finish(
        code,
        signal,
        code === 0 && !late ? undefined : `${how}\n${stdout.slice(-3000)}${stderr.slice(-3000)}`,
      );
    });
  });
}

/** A script in the Node that runs this one. */
export function runNode(args, circumstances) {
  return run(process.execPath, args, circumstances);
}

/** The last line of what a script printed, as JSON. */
export function lastJson({ stdout }) {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1));
  } catch {
    return undefined;
  }
}
