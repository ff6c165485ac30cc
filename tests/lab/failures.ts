/** What the suites in the VM share about failing: whether a test of this file has, and that those which go on from it are not tried then. */
import { afterEach, beforeEach } from 'vitest';

let failed = false;
afterEach(({ task }) => {
  failed ||= task.result?.state === 'fail';
});
/** For the end of the file: what one wants to read is kept. */
export const hasFailed = (): boolean => failed;

/** Each test of this file begins where the one before ended. */
export const inOrder = (): void =>
  beforeEach(({ skip }) => {
    skip(failed, 'an earlier one failed');
  });
