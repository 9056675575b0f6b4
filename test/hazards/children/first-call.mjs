// One small call, for runs that only ask whether the first call works.

import { crossEntropySync } from 'cutloss';
import { problem } from './inputs.mjs';

crossEntropySync(problem(2, 3));
