/** What this browser remembers: theme and the width of the rail. Nothing about the box. */
import { createSignal } from 'solid-js';

export type Theme = 'system' | 'light' | 'dark';

const read = (key: string): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off: nothing is remembered
  }
};
const write = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // as above
  }
};
const isTheme = (v: string | null): v is Theme => v === 'system' || v === 'light' || v === 'dark';

const saved = read('theme');
const [theme, set] = createSignal<Theme>(isTheme(saved) ? saved : 'system');
export { theme };
const show = (t: Theme): void => {
  if (t === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = t;
};
show(theme());
export const setTheme = (t: Theme): void => {
  set(t);
  show(t);
  write('theme', t);
};

const [railNarrow, setNarrow] = createSignal(read('rail') === 'narrow');
export { railNarrow };
export const toggleRail = (): void => {
  setNarrow((v) => !v);
  write('rail', railNarrow() ? 'narrow' : 'wide');
};

const phone = matchMedia('(max-width: 720px)');
const [isPhone, setPhone] = createSignal(phone.matches);
phone.addEventListener('change', (e) => setPhone(e.matches));
export { isPhone };
