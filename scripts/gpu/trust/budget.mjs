// A step whose GPU memory does not suffice, in mid-step or at once, or just suffices: CUTLOSS_GPU_MEMORY_BUDGET says how
// much there is. argv: 'measure' prints what a step needs; 'fails' or 'works' is what must happen.
import { crossEntropy, crossEntropySync, devices, memory, tensor } from 'cutloss';
import { expectedLoss, isClose, must, problem } from '../../../test/hazards/children/work.mjs';

const [expected] = process.argv.slice(2);
const rows = 64;
const classes = 4096;
const inputs = problem(rows, classes);
const exact = expectedLoss(inputs);
const held = () => memory().find(({ device }) => device === 'cuda:0');
const free = () => devices().find(({ device }) => device === 'cuda:0').freeMemory;

function mustBeIdle(when) {
  const { tensors, bytes, workspaceBytes } = held();
  must(
    tensors + bytes + workspaceBytes === 0,
    `${when}: ${tensors} tensors, ${bytes} + ${workspaceBytes} bytes are held`,
  );
}

async function mustFail(call) {
  const data = new Float32Array(rows * classes).fill(7);
  try {
    await call(inputs, { grads: true, out: { logits: { data, shape: [rows, classes] } } });
    must(false, 'it worked with too little memory');
  } catch (error) {
    must(error.code === 'ERR_CUTLOSS_MEMORY', `${error.stack}`);
    must(/\d+ bytes/.test(error.message), `the message says how much: ${error.message}`);
  }
  mustBeIdle('after a failure');
  must(
    data.every((value) => value === 7),
    'the output is untouched',
  );
}

async function mustWork(call) {
  const { loss, grads } = await call(inputs, { grads: true });
  must(isClose(loss, exact), `${loss} instead of ${exact}`);
  must(grads.logits.size === rows * classes, 'a gradient is there');
  mustBeIdle('after a step');
}

if (expected === 'measure') {
  await mustWork(crossEntropySync);
  console.log(JSON.stringify({ logits: 4 * rows * classes, targets: 4 * rows, all: held().peakBytes }));
} else {
  const try_ = expected === 'fails' ? mustFail : mustWork;
  let before;
  for (let i = 0; i < 20; i++) {
    await try_(crossEntropySync);
    await try_(crossEntropy);
    if (i === 3) before = free();
  }
  must(Math.abs(free() - before) <= 2 * 2 ** 20, `the GPU's free memory went from ${before} to ${free()}`);

  const budget = Number(process.env.CUTLOSS_GPU_MEMORY_BUDGET);
  if (budget < 2 ** 28) {
    try {
      tensor(new Uint8Array(budget + 1)).toSync('cuda:0');
      must(false, 'a tensor larger than the budget was possible');
    } catch (error) {
      must(error.code === 'ERR_CUTLOSS_MEMORY', `${error.stack}`);
    }
    mustBeIdle('after a tensor that was too large');
  }
  const small = problem(4, 32);
  if (budget >= 64 * 1024)
    must(isClose(crossEntropySync(small).loss, expectedLoss(small)), 'a small call works');
  must(isClose(crossEntropySync(inputs, { device: 'cpu' }).loss, exact), 'the CPU does not care');
}
