/**
 * What stays while pages change: the rail, what has to be known everywhere (simulated, connection lost), and what lies over the page
 * (palette, login after the session has ended). Decides who sees pages at all.
 */
import { A, type RouteSectionProps, useLocation, useNavigate } from '@solidjs/router';
import {
  createEffect,
  createSignal,
  ErrorBoundary,
  For,
  type JSX,
  lazy,
  Match,
  on,
  onCleanup,
  onMount,
  Show,
  Suspense,
  Switch,
} from 'solid-js';
import { connection } from '../data/live.ts';
import { isPhone, railNarrow, setTheme, theme, toggleRail } from '../data/settings.ts';
import { boot, host, logout, may, sessionState, simulated, user } from '../data/session.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Icon } from '../parts/Icon.tsx';
import { Menu } from '../parts/Menu.tsx';
import { Shape } from '../parts/Status.tsx';
import { clockTime } from '../parts/words.ts';
import { Crash } from './Crash.tsx';
import { LoginForm } from './Login.tsx';
import { useMarks } from './marks.ts';
import { PLACES } from './places.ts';
import { Toasts } from './toasts.tsx';

const Palette = lazy(() => import('./Palette.tsx').then((m) => ({ default: m.Palette })));
const Claim = lazy(() => import('../pages/Claim.tsx').then((m) => ({ default: m.Claim })));

const Simulated = (): JSX.Element => (
  <Show when={simulated()}>
    <aside class="simulated" aria-label="Simulated">
      <strong>Simulated</strong> Nothing here is a real disk.
    </aside>
  </Show>
);

const ConnectionBar = (): JSX.Element => (
  <div class="connection" role="status">
    <Show when={connection().state === 'lost'}>
      <p>
        <strong>Connection lost.</strong> What you see is as of {clockTime((connection() as { since: number }).since)} and may have changed.
        Trying again by itself …
      </p>
    </Show>
  </div>
);

const [paletteOpen, setPaletteOpen] = createSignal(false);
const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

const Rail = (): JSX.Element => {
  const navigate = useNavigate();
  const places = () => PLACES.filter((p) => may(p.needs));
  const onBar = () => (isPhone() ? places().filter((p) => ['/', '/storage', '/protection', '/changes'].includes(p.href)) : places());
  const rest = () => places().filter((p) => !onBar().includes(p));
  const markOf = useMarks();
  const account = () => [
    { label: 'My account', onSelect: () => navigate('/access/me') },
    ...(['system', 'light', 'dark'] as const).map((t) => ({
      label: `${theme() === t ? '✓ ' : ''}Theme: ${t === 'system' ? 'as the system' : t}`,
      onSelect: () => setTheme(t),
    })),
    { label: 'Log out', onSelect: () => void logout() },
  ];
  return (
    <nav class="rail" aria-label="Places" classList={{ slim: railNarrow() && !isPhone() }}>
      <Show when={!isPhone()}>
        <div class="brand">
          <img src="/icon.svg" alt="" width="22" height="22" />
          <span class="of">
            <span>{host() || 'D-PlaneOS'}</span>
            <Show when={host()}>
              <small>D-PlaneOS</small>
            </Show>
          </span>
        </div>
        <button type="button" class="find" onClick={() => setPaletteOpen(true)}>
          <Icon name="search" />
          <span class="find-label">Find</span>
          <kbd>{MAC ? '⌘' : 'Ctrl'} K</kbd>
        </button>
      </Show>
      <ul>
        <For each={onBar()}>
          {(p) => (
            <li>
              <A href={p.href} end={p.href === '/'} activeClass="here" class="place">
                <Icon name={p.icon} />
                <span>{p.label}</span>
                <Show when={markOf(p.href)}>
                  {(m) => (
                    <span class="mark num" title={m().text}>
                      <Shape tone={m().tone} />
                      <span aria-hidden="true">{m().count}</span>
                      <span class="sr">{m().text}</span>
                    </span>
                  )}
                </Show>
              </A>
            </li>
          )}
        </For>
        <Show when={isPhone()}>
          <li>
            <Menu
              label="More"
              look="place"
              items={[
                { label: 'Find …', onSelect: () => setPaletteOpen(true) },
                ...rest().map((p) => ({ label: p.label, onSelect: () => navigate(p.href) })),
                ...account(),
              ]}
            >
              <Icon name="more" />
              <span>More</span>
            </Menu>
          </li>
        </Show>
      </ul>
      <Show when={!isPhone()}>
        <div class="rail-foot">
          <Menu label="Account" look="quiet account" items={account()}>
            <Icon name="user" />
            <span class="who">{user()?.name}</span>
          </Menu>
          <button
            type="button"
            class="button quiet icon-only"
            aria-label={railNarrow() ? 'Widen the menu' : 'Narrow the menu'}
            onClick={toggleRail}
          >
            <Icon name={railNarrow() ? 'widen' : 'narrow'} />
          </button>
        </div>
      </Show>
    </nav>
  );
};

const Door = (props: { title: string; children: JSX.Element }): JSX.Element => (
  <main class="door">
    <div class="door-card">
      <div class="brand">
        <img src="/icon.svg" alt="" width="28" height="28" />
        <span>D-PlaneOS</span>
      </div>
      <h1>{props.title}</h1>
      {props.children}
    </div>
    <Simulated />
  </main>
);

const Inside = (props: { children: JSX.Element }): JSX.Element => {
  const at = useLocation();
  let main: HTMLElement | undefined;
  onMount(() => {
    const onKey = (e: KeyboardEvent): void => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
        e.preventDefault();
        setPaletteOpen((v) => !v);
      }
    };
    addEventListener('keydown', onKey);
    onCleanup(() => removeEventListener('keydown', onKey));
  });
  // A new page begins at its top; a screen reader is told by the title.
  createEffect(
    on(
      () => at.pathname,
      () => main?.scrollTo(0, 0),
      { defer: true },
    ),
  );
  return (
    <div class="frame" classList={{ 'rail-slim': railNarrow() && !isPhone() }}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Rail />
      <div class="stage">
        <Simulated />
        <ConnectionBar />
        <main id="main" ref={main} tabindex="-1">
          <ErrorBoundary fallback={(error: unknown, reset) => <Crash error={error} reset={reset} />}>
            <Suspense fallback={<p class="waiting">Loading the page …</p>}>{props.children}</Suspense>
          </ErrorBoundary>
        </main>
      </div>
      <Show when={paletteOpen()}>
        <Suspense>
          <Palette onClose={() => setPaletteOpen(false)} />
        </Suspense>
      </Show>
      <Dialog
        open={sessionState() === 'expired'}
        onClose={() => undefined}
        stays
        title="Log in again"
        about="Your session has ended. The page behind is as you left it; nothing typed is lost."
      >
        <LoginForm />
      </Dialog>
      <Toasts />
    </div>
  );
};

export const Frame = (props: RouteSectionProps): JSX.Element => {
  onMount(() => void boot());
  return (
    <Switch
      fallback={
        <main class="door">
          <h1 class="sr">D-PlaneOS</h1>
          <p class="waiting" role="status">
            {sessionState() === 'unreachable' ? 'The box does not answer. Trying again by itself …' : 'Asking the box …'}
          </p>
        </main>
      }
    >
      <Match when={sessionState() === 'unclaimed'}>
        <Door title="Claim this box">
          <Suspense fallback={<p class="waiting">Loading the page …</p>}>
            <Claim />
          </Suspense>
        </Door>
      </Match>
      <Match when={sessionState() === 'nobody'}>
        <Door title="Log in">
          <LoginForm />
        </Door>
      </Match>
      <Match when={sessionState() === 'in' || sessionState() === 'expired'}>
        <Inside>{props.children}</Inside>
      </Match>
    </Switch>
  );
};
