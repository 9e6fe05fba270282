export { finish, sum16 } from '../../src/platform/kernels.js';
export { explainFrame, get16, set16 } from '../../src/stack/index.js';
