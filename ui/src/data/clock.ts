/** The time of day as something that can be shown: ticks for all relative times at once. */
import { createSignal } from 'solid-js';

const [now, setNow] = createSignal(Date.now());
setInterval(() => setNow(Date.now()), 5_000);
export { now };
