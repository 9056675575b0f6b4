// What is there: the GPU as cutloss sees it, the driver as nvidia-smi does, and a Python that has torch.
import { cpus, totalmem } from 'node:os';
import { lastJson, run, runNode } from './run.mjs';

/** {gpu} or {reason}. In a dry run only the number of GPUs is asked for, which creates no context. */
export async function findGpu({ env, manifest, emulated }, dryRun) {
  const script = `
    const { devices, setDevice } = await import('cutloss');
    let found = {};
    try {
      setDevice('cuda:0');
      found = ${dryRun} ? { gpu: { name: 'a GPU', driver: 'not asked for' } } : { gpu: devices()[1] };
      if (!found.gpu) found = { reason: 'its GPU does not answer' };
    } catch (error) {
      found = { reason: error.message.replace(/^.*?: /, '') };
    }
    console.log(JSON.stringify(found));`;
  const answer = await runNode(['--input-type=module', '-e', script], {
    env: { ...env, CUTLOSS_DEVICE: '' },
  });
  const found = lastJson(answer) ?? { reason: `cutloss does not load: ${answer.problem}` };
  const capability = found.gpu?.computeCapability?.replace('.', '');
  if (
    capability &&
    !emulated &&
    !manifest.architectures.some((name) => name.replace(/\D/g, '') === capability)
  ) {
    const wanted = `CUTLOSS_CUDA_ARCHITECTURES=${capability}-real scripts/gpu-pack.sh`;
    return {
      reason: `its ${found.gpu.name} needs code for sm_${capability}, which was not packed: ${wanted}`,
    };
  }
  return found;
}

export async function describeMachine(gpu) {
  const fields =
    'name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit,ecc.mode.current';
  const smi = gpu
    ? await run('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader'], { seconds: 30 })
    : {};
  const values = smi.code === 0 ? smi.stdout.trim().split('\n')[0].split(/, */) : [];
  const said = Object.fromEntries(
    fields.split(',').flatMap((name, i) => (values[i] ? [[name, values[i]]] : [])),
  );
  return {
    gpu,
    driver: said.driver_version,
    nvidiaSmi: values.length > 0 ? said : undefined,
    cpu: cpus()[0]?.model,
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** The first Python that has torch and sees the GPU, or undefined. */
export async function findTorch() {
  const script = 'import torch; assert torch.cuda.is_available(); print("torch", torch.__version__)';
  for (const python of [process.env.CUTLOSS_PYTHON, 'python3', 'python'].filter(Boolean)) {
    const { code, stdout } = await run(python, ['-c', script], { seconds: 90 });
    if (code === 0) return { python, version: stdout.trim() };
  }
  return undefined;
}
