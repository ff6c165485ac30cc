/** The same random cases in every run, so that a change is judged by what it changed. `FC_SEED=<number>` looks elsewhere. */
import fc from 'fast-check';

const seed = Number(process.env.FC_SEED ?? 20_261_120);
if (!Number.isInteger(seed)) throw new RangeError(`FC_SEED is not a whole number: ${process.env.FC_SEED}`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
