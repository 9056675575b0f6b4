// The same types through require().

import cutloss = require('cutloss');

const t: cutloss.Tensor<'float32'> = cutloss.zeros([2, 2]);
const loss: Promise<cutloss.RowResult<'logits'>> = cutloss.crossEntropy({ logits: t, targets: t });

export = loss;
